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
    """Whether a thread of these processes computes, or would if a core were free."""
    return any(state in "RD" for pid in pids for state in _thread_states(pid))


def _thread_states(pid: int) -> list[str]:
    return [text.rpartition(")")[2].split()[0] for text in _of_threads(pid, "stat")]


def _of_threads(pid: int, file: str) -> list[str]:
    """That file of each thread; nothing when the process has just ended."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        return [open(f"/proc/{pid}/task/{thread}/{file}").read() for thread in threads]
    except OSError:
        return []
