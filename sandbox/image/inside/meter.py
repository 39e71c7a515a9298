"""CPU time and memory kills of a whole container, from its control group (version 1 or 2), read from inside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

ROOT = "/sys/fs/cgroup/"
# version -> where CPU time, kills for memory, the memory limit, the process limit and the number of processes stand
FILES = {
    1: (
        "cpuacct/cpuacct.usage",
        "memory/memory.oom_control",
        "memory/memory.limit_in_bytes",
        "pids/pids.max",
        "pids/pids.current",
    ),
    2: ("cpu.stat", "memory.events", "memory.max", "pids.max", "pids.current"),
}


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def cgroup_version() -> int | None:
    """1, 2, or None where no version that we know is visible in here."""
    return next((version for version, files in FILES.items() if os.path.exists(ROOT + files[0])), None)


def process_clock(pid: int) -> float:
    """CPU seconds of a live process; the clock id of a process is made from its pid, see clock_getcpuclockid(3)."""
    return time.clock_gettime(((~pid) << 3) | 2)


class CgroupMeter:
    """Everything that ran in this container except the runner itself, whoever forked it and whoever reaped it."""

    def __init__(self, version: int) -> None:
        self.version = version
        usage, kills, self._memory, self._pids, current = (ROOT + name for name in FILES[version])
        self._usage_fd, self._kills_fd, self._current_fd = (
            os.open(name, os.O_RDONLY) for name in (usage, kills, current)
        )
        self._seen_kills = self._memory_kills()

    def jobs_cpu(self, runner: Iterable[int]) -> float:
        """CPU seconds since the container started, without those of this process and of `runner` pids."""
        text = os.pread(self._usage_fd, 256, 0)
        total = int(text) / 1e9 if self.version == 1 else int(text.split()[1]) / 1e6
        return total - time.process_time() - sum(process_clock(pid) for pid in runner)

    def new_memory_kill(self) -> bool:
        """Whether the kernel has killed a process of this container for its memory since the last call."""
        before, self._seen_kills = self._seen_kills, self._memory_kills()
        return self._seen_kills > before

    def _memory_kills(self) -> int:
        _, found, count = os.pread(self._kills_fd, 4096, 0).partition(b"oom_kill ")
        return int(count.split()[0]) if found else 0

    def only(self, processes: int) -> bool:
        """Whether there are exactly so many processes and threads, the dead that nobody has buried among them."""
        return int(os.pread(self._current_fd, 32, 0)) == processes

    def limits(self) -> dict[str, str]:
        """The container's limits as its control group states them."""
        return {"memory": _read(self._memory).strip(), "pids": _read(self._pids).strip()}


class ProcessMeter:
    """Without a control group of our own: the live processes of the job; what it reaped counts when it ends."""

    version = None

    def __init__(self, live: Callable[[], list[int]]) -> None:
        self._live = live

    def jobs_cpu(self, runner: Iterable[int]) -> float:
        """CPU seconds of the live processes."""
        return sum(_clock_or_zero(pid) for pid in self._live())

    def new_memory_kill(self) -> bool:
        return False

    def only(self, processes: int) -> bool:
        return False  # not known

    def limits(self) -> dict[str, str]:
        return {}


def _clock_or_zero(pid: int) -> float:
    try:
        return process_clock(pid)
    except OSError:
        return 0.0  # it has just ended
