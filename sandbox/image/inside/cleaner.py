"""Cleans up after a job as the job's own uid: no privilege that a link could turn against somebody else."""

from __future__ import annotations

import os
import signal
import stat
from typing import NoReturn

from . import limits


def clean(uid: int | None, tmp: str) -> NoReturn:
    """Kill every process of `uid` but this one, empty `tmp`, end with 0."""
    if uid is not None:
        limits.become(uid)
        kill_all()
    empty(tmp)
    os._exit(0 if not os.listdir(tmp) else 1)


def kill_all() -> None:
    """One call, atomic against forks: a fork bomb has no time between."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return


def empty(folder: str) -> None:
    """Remove everything in `folder`, links not followed, at any depth, in constant stack and few descriptors.

    A directory's subdirectories are moved up beside it before it is removed, so that depth never matters.
    """
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    serial = 0
    while names := os.listdir(top):
        for name in names:
            if stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
                serial = _flatten(top, name, serial)
                os.rmdir(name, dir_fd=top)
            else:
                os.unlink(name, dir_fd=top)
    os.close(top)


def _flatten(top: int, name: str, serial: int) -> int:
    os.chmod(name, 0o700, dir_fd=top)
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    for entry in os.listdir(inner):
        if stat.S_ISDIR(os.lstat(entry, dir_fd=inner).st_mode):
            os.chmod(entry, 0o700, dir_fd=inner)  # a directory without write permission cannot change its parent
            serial += 1
            os.rename(entry, f".moved-{os.getpid()}-{serial}", src_dir_fd=inner, dst_dir_fd=top)
        else:
            os.unlink(entry, dir_fd=inner)
    os.close(inner)
    return serial
