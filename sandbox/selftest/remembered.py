"""Remembers that the start-up test has passed, for as long as nothing has changed that it depends on.

The test is run once per boot, engine and image: a pass is noted in a file of this user, and a later process that finds the same
key there does not test again. The key covers the boot of the kernel that runs the containers, the engine (its id, version and
set-up), the image, the recipe of a container (limits, capabilities, system call filter), the uids of programs, and the code of the
sandbox, which sends the probes and reads what comes back. Whoever can write the file has this user's rights and could run programs
without a sandbox; a file that others own or can write is not believed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError, one_sentence

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
    uids: tuple[int, int]  # the first and the last that programs may get
    test: str  # digest of the code

    def key(self) -> str:
        """Return the digest of all parts."""
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()


@cache
def test_digest() -> str:
    """Return the digest of the code that decides whether a probe held: all of the sandbox's."""
    sources = sorted(Path(__file__).parents[1].rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def place() -> Path:
    """Return the file in which passes are noted; FileNotFoundError for a user without a home."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from error
    return cache / "restem" / "sandbox-tested.json"


def has_passed(tested: Conditions) -> bool:
    """Return whether the test is known to have passed for exactly this."""
    return tested.key() in _noted()


def note(tested: Conditions, passed: bool) -> None:
    """Keep a pass; after a failure nothing of the same key is believed any more. A pass that cannot be written is no error: the
    next process tests again. UserError when an earlier pass can neither be taken back nor the file removed."""
    try:
        with _locked():
            kept = [key for key in _noted() if key != tested.key()]
            _write([*kept, tested.key()][-MOST_KEPT:] if passed else kept)
    except OSError:
        if not passed:
            _forget_all()


def _forget_all() -> None:
    try:
        place().unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        if os.path.lexists(place()):  # a read-only file system refuses to remove what is not there, too
            raise UserError(
                f"{place()} may still say that the sandbox has passed its test, and cannot be removed "
                f"({one_sentence(error)}): remove it"
            ) from error


@contextmanager
def _locked() -> Iterator[None]:
    """Let no other process or thread change the file meanwhile. The lock is a file beside it, because the file itself is replaced."""
    path = place().with_suffix(".lock")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _noted() -> list[str]:
    try:
        keys = json.loads(_believed())
    except (OSError, ValueError):
        return []
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []


def _believed() -> str:
    """Return the file's text; none where others could have written it."""
    descriptor = os.open(place(), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & OTHERS_MAY_WRITE:
            log.warning("%s is not only this user's to write: the sandbox is tested again", place())
            return ""
        with open(descriptor, encoding="utf-8", errors="replace", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _write(keys: list[str]) -> None:
    """Replace the file as a whole; nobody else may read or write it."""
    path = place()
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".sandbox-tested-")  # mode 0600
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(keys, file)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
