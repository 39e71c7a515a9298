"""Which processes exist besides the runner's own."""

from __future__ import annotations

import os


def in_container(runner: set[int]) -> list[int]:
    """Every process of this pid namespace but `runner`."""
    return [pid for name in os.listdir("/proc") if name.isdigit() and (pid := int(name)) not in runner]


def descendants(pid: int) -> list[int]:
    """Children of `pid` and theirs, at any depth; orphans belong to it where it is their subreaper."""
    found: list[int] = []
    for child in _children(pid):
        found += [child, *descendants(child)]
    return found


def _children(pid: int) -> list[int]:
    return [int(child) for text in _of_threads(pid, "children") for child in text.split()]


def any_runnable(pids: list[int]) -> bool:
    """Whether a thread of these processes computes, or would if a core were free or the disk were faster.

    A thread that waits for its vforked child is in the same state (D) as one that waits for the disk, so it must have none.
    """
    return any(
        state == b"R" or (state == b"D" and not children.strip())
        for pid in pids
        for state, children in zip(_thread_states(pid), _of_threads(pid, "children"), strict=False)
    )


def _thread_states(pid: int) -> list[bytes]:
    return [text.rpartition(b")")[2].split()[0] for text in _of_threads(pid, "stat")]


def _of_threads(pid: int, file: str) -> list[bytes]:
    """That file of each thread, as bytes (a program gives its threads any names); nothing when the process has just ended."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        return [open(f"/proc/{pid}/task/{thread}/{file}", "rb").read() for thread in threads]
    except OSError:
        return []
