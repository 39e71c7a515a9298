"""The owner of a container: a process of a machine. Containers whose owner is dead are removed at start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LABEL = "restem.sandbox"
OWNER_LABEL = "restem.sandbox.owner"
UIDS_LABEL = "restem.sandbox.uids"


@dataclass(frozen=True)
class Owner:
    """A process, told from a later one with the same pid by its start time (clock ticks since boot)."""

    boot: str
    pid: int
    started: int

    @classmethod
    def me(cls) -> Self:
        return cls(_boot(), os.getpid(), _started(os.getpid()) or 0)

    @classmethod
    def parsed(cls, text: str) -> Self | None:
        """Read an owner from a label; None where the label is not ours."""
        boot, _, rest = text.partition("/")
        pid, _, started = rest.partition("/")
        return cls(boot, int(pid), int(started)) if pid.isdigit() and started.isdigit() else None

    def __str__(self) -> str:
        return f"{self.boot}/{self.pid}/{self.started}"

    @property
    def dead(self) -> bool:
        """Return whether the owner is certainly dead. Nothing is certain about processes of other machines; their containers end when
        they hear nothing."""
        return self.boot == _boot() and _started(self.pid) != self.started


def _boot() -> str:
    """Name this boot of this machine and this pid namespace, because a pid has a meaning only within both."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + "-" + os.readlink("/proc/self/ns/pid")[5:-1]


def _started(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
