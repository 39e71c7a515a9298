"""Blocks of uids: process limits count per uid over all containers of a host, so no two containers share one."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.hosts.launch import LaunchFailed
from sandbox.settings import SandboxSettings

UIDS_PER_CONTAINER = 64


class UidBlocks:
    """The blocks of one engine that this process is about to use. A container shows its block only once it is created, so threads
    that start containers together keep theirs here until then. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reserved: set[int] = set()

    @contextmanager
    def reserved(self, settings: SandboxSettings, taken: Callable[[], set[int]]) -> Iterator[range]:
        """Reserve a block until its container is created; `taken` returns the first uids of those that are. LaunchFailed: none is free."""
        with self._lock:  # also while `taken` asks: a block that is given up meanwhile might be missing in both sets
            uids = _free(settings, self._reserved | taken())
            self._reserved.add(uids.start)
        try:
            yield uids
        finally:
            with self._lock:
                self._reserved.discard(uids.start)


_of_engines: dict[str, UidBlocks] = {}


def uid_blocks(engine: str) -> UidBlocks:
    """Return the blocks of an engine, by its id; all launchers of this process share them."""
    return _of_engines.setdefault(engine, UidBlocks())


def _free(settings: SandboxSettings, taken: set[int]) -> range:
    """Return a random free block: other processes choose too."""
    blocks = range(settings.uid_first, settings.uid_last - UIDS_PER_CONTAINER + 1, UIDS_PER_CONTAINER)
    if sum(first in blocks for first in taken) >= len(blocks):
        raise LaunchFailed(f"all uids from {settings.uid_first} to {settings.uid_last} are in use")
    while (first := random.SystemRandom().choice(blocks)) in taken:
        pass
    return range(first, first + UIDS_PER_CONTAINER)
