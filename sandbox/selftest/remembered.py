"""Remembers that the start-up test has passed, for as long as nothing has changed that it depends on.

The test is run once per boot, engine and image: a pass is noted in a file of this user, and a later process that finds the same
key there does not test again. The key covers the boot of the kernel that runs the containers, the engine (its id, version and
set-up), the image, the recipe of a container (limits, capabilities, system call filter), and the code of the test. Whoever can
write the file has this user's rights and could run programs without a sandbox; a file that others own or can write is not believed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

MOST_KEPT = 32
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Conditions:
    """Everything that decides how the start-up test of a container ends."""

    boot: str  # of the kernel that the container runs on, as the kernel names it
    engine: dict[str, Any]
    image: str  # its content's digest
    recipe: dict[str, Any]
    test: str  # digest of the code

    def key(self) -> str:
        """Return the digest of all parts."""
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()


@cache
def test_digest() -> str:
    """Return the digest of the code of the start-up test."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def place() -> Path:
    """Return the file in which passes are noted."""
    home = os.environ.get("XDG_CACHE_HOME")
    return Path(home or Path.home() / ".cache") / "restem" / "sandbox-tested.json"


def has_passed(tested: Conditions) -> bool:
    """Return whether the test is known to have passed for exactly this."""
    return tested.key() in _noted()


def note(tested: Conditions, passed: bool) -> None:
    """Keep a pass; after a failure nothing of the same key is believed any more. A file that cannot be written is no error: the
    next process tests again."""
    kept = [key for key in _noted() if key != tested.key()]
    with suppress(OSError):
        _write([*kept, tested.key()][-MOST_KEPT:] if passed else kept)


def _noted() -> list[str]:
    try:
        descriptor = os.open(place(), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & OTHERS_MAY_WRITE:
            log.warning("%s is not only this user's to write: the sandbox is tested again", place())
            return []
        try:
            keys = json.load(file)
        except ValueError:
            return []
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []


def _write(keys: list[str]) -> None:
    """Replace the file as a whole; nobody else may read or write it."""
    path = place()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".sandbox-tested-")  # mode 0600
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(keys, file)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
