"""Cleans up after a job as the job's own uid: no privilege that a link could turn against somebody else.

Two processes one after the other: the first ends what is left of the job, the second removes its files when nothing that
could make new ones, or attack the second, is alive any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from typing import NoReturn

from . import limits

FIRST_FD = 3  # of what the zygote holds


def end_processes(uid: int) -> NoReturn:
    """Kill every process of `uid` but this one, end with 0. One call, atomic against forks: a fork bomb has no time between."""
    os.closerange(FIRST_FD, 1 << 16)
    limits.become(uid, open_to_its_uid=False)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    os._exit(0)


def empty(uid: int | None, folder: str) -> NoReturn:
    """Remove everything in `folder`, end with 0."""
    os.closerange(FIRST_FD, 1 << 16)
    if uid is not None:
        limits.become(uid, open_to_its_uid=False)
    remove_all(folder)
    os._exit(0 if not os.listdir(folder) else 1)


def remove_all(folder: str) -> None:
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
