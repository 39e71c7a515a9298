"""The operating system's limits of one child, and the step from root to its own uid. Runs once per job, before its code."""

from __future__ import annotations

import _thread
import ctypes
import math
import os
import resource
import signal
from functools import lru_cache
from typing import Any

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
STACK_BYTES = 64 << 20  # of the main thread; Linux leaves at least 128 MiB below the first mapping
OPEN_FILES = 256
PENDING_SIGNALS = 1024  # of one uid; each timer holds one
MB = 1 << 20
# Address space is what is limited, and stacks of threads count in full: by default each would have that of the main thread.
THREAD_STACK_BYTES, MAX_THREAD_STACK_BYTES = 4 << 20, 192 << 20
M_ARENA_MAX = -8  # mallopt(3): memory pools of the C library, each 128 MiB of address space

_libc = ctypes.CDLL(None, use_errno=True)
_prctl = _libc.prctl


def own_address_space() -> int:
    """Bytes of address space that this process holds: what a child starts with."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def confine_all() -> None:
    """Limits that are the same for every job: set once in the zygote, inherited. Soft = hard: a child cannot raise them."""
    for kind, value in (
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, PENDING_SIGNALS),
        # 1 and not 0: with 0 a crash still reaches a core handler program of the host, see core(5)
        (resource.RLIMIT_CORE, 1),
        (resource.RLIMIT_STACK, STACK_BYTES),
    ):
        resource.setrlimit(kind, _lowered(kind, value))


def be_lenient() -> None:
    """In the zygote, once: what programs ask of the system "to be safe" and do not need is lowered instead of refused."""
    _libc.mallopt(M_ARENA_MAX, 1)
    stack_size, setrlimit = _thread.stack_size, resource.setrlimit

    def clamped_stack(size: int = 0) -> int:
        return stack_size(min(size, MAX_THREAD_STACK_BYTES) or THREAD_STACK_BYTES)

    def clamped_limit(kind: int, pair: tuple[int, int]) -> None:
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            pair = tuple(min(value, hard) if value >= 0 else hard for value in pair)  # type: ignore[assignment]
        setrlimit(kind, pair)

    clamped_stack()
    _thread.stack_size = clamped_stack
    resource.setrlimit = clamped_limit


def of_job(limits: dict[str, Any], base_bytes: int, own_uid: bool) -> list[tuple[int, tuple[int, int]]]:
    """Limits of one job as `setrlimit` takes them, worked out in the zygote: what a child does for the first time costs
    it a page each. Processes count per uid: only for a uid of its own."""
    wanted = [
        (resource.RLIMIT_AS, base_bytes + int(limits["memory_mb"] * MB)),
        (resource.RLIMIT_FSIZE, limits["output_bytes"] + 1),  # one more than allowed: reaching it is an overflow
        # the supervisor measures exactly; this catches what it could miss
        (resource.RLIMIT_CPU, math.ceil(limits["cpu_seconds"]) + 1),
    ]
    if own_uid:
        wanted.append((resource.RLIMIT_NPROC, limits["processes"]))
    return [(kind, _lowered(kind, value)) for kind, value in wanted]


def _lowered(kind: int, value: int) -> tuple[int, int]:
    hard = _inherited_hard(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    return value, value


@lru_cache
def _inherited_hard(kind: int) -> int:
    return resource.getrlimit(kind)[1]


def become(uid: int, open_to_its_uid: bool) -> None:
    """From root to `uid` for good. A program's own files in /proc are open to it (/dev/stdin is a link through /proc/self); to
    others of this uid, its daemons, a process of ours stays closed: they could write into its memory."""
    os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"1000")  # the kernel kills it before the supervisor
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _prctl(PR_SET_DUMPABLE, int(open_to_its_uid), 0, 0, 0)


def die_with_parent() -> None:
    """SIGKILL when the parent ends. After the change of uid, which clears it."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
