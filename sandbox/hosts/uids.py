"""Blocks of uids: process limits count per uid over all containers of a host, so no two containers share one.

A container's name claims its block. An engine has each name once, so of all processes, on this machine and others, that choose the
same block at the same moment one gets it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from sandbox.hosts.launch import LaunchFailed
from sandbox.settings import SandboxSettings

UIDS_PER_CONTAINER = 64


def claim(settings: SandboxSettings, taken: Callable[[], set[int]], create: Callable[[range], str | None]) -> str:
    """Create a container with a block of its own, and return what `create` returns.

    `taken` returns the first uids of the containers that are there; `create` returns None where another container has claimed the
    block since. LaunchFailed: no block is free.
    """
    refused: set[int] = set()
    while (container := create(uids := _free(settings, refused | taken()))) is None:
        refused.add(uids.start)
    return container


def _free(settings: SandboxSettings, taken: set[int]) -> range:
    """Return a random free block: others choose too."""
    blocks = range(settings.uid_first, settings.uid_last - UIDS_PER_CONTAINER + 1, UIDS_PER_CONTAINER)
    if sum(first in blocks for first in taken) >= len(blocks):
        raise LaunchFailed(f"all uids from {settings.uid_first} to {settings.uid_last} are in use")
    while (first := random.SystemRandom().choice(blocks)) in taken:
        pass
    return range(first, first + UIDS_PER_CONTAINER)
