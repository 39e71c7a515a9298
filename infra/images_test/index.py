"""Where packages come from, as pip is set up on this machine: as build arguments, so nothing of it is written down anywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

SETTING = re.compile(r"(?P<section>[^.]+)\.(?P<name>[\w-]+)='(?P<value>.*)'")
ARGUMENTS = {"index-url": "PIP_INDEX_URL", "find-links": "PIP_FIND_LINKS"}


def settings_of(listing: str) -> dict[str, str]:
    """Return pip's settings by name from what `pip config list` prints; the environment wins over files."""
    found = [
        match.groupdict()
        for line in listing.splitlines()
        if (match := SETTING.fullmatch(line.strip().replace(":env:.", "env.")))
    ]
    in_order = sorted(found, key=lambda one: one["section"] == "env")
    return {one["name"]: one["value"] for one in in_order}


@contextmanager
def build_arguments(address: str, port: int = 0) -> Iterator[dict[str, str]]:
    """Yield the build arguments; a folder of wheels, which no build could see, is served at `address` meanwhile.

    The builder keeps no layer whose arguments changed, so a caller that wants its layers kept gives a `port`.
    """
    said = {ARGUMENTS[name]: value for name, value in settings_of(_listing()).items() if name in ARGUMENTS}
    folder = Path(said.get("PIP_FIND_LINKS", "").removeprefix("file://"))
    if not said.get("PIP_FIND_LINKS") or not folder.is_dir():
        yield said
        return
    with ThreadingHTTPServer((address, port), partial(Wheels, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield said | {"PIP_FIND_LINKS": f"http://{address}:{server.server_port}/"}
        finally:
            server.shutdown()


class Wheels(SimpleHTTPRequestHandler):
    """A folder over HTTP, without a word in the terminal."""

    def log_message(self, format: str, *args: object) -> None:
        del format, args


def _listing() -> str:
    python = getattr(sys, "_base_executable", sys.executable)  # a .venv made by uv has no pip
    return subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
