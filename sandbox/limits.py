"""What one execution may use."""

from __future__ import annotations

import math
from dataclasses import dataclass

WALL_FLOOR_SECONDS = 3.0
WALL_PER_CPU_SECOND = 2.0
WALL_STRETCH = 10.0


@dataclass(frozen=True)
class Limits:
    """Bounds of one program. CPU time (of the process and everything that it starts) decides; wall time is a backstop.

    `wall_seconds` is the time after which a program that hardly used the CPU is ended as IDLE; None derives it from
    the CPU limit. Time in which it waited for its owner's next message does not count. A program that computes but is
    starved by a busy machine gets up to `wall_stretch` times as long, in all.
    """

    cpu_seconds: float = 4.0
    wall_seconds: float | None = None
    memory_mb: int = 512
    output_bytes: int = 8 << 20
    tmp_mb: int = 16
    processes: int = 80
    wall_stretch: float = WALL_STRETCH

    def __post_init__(self) -> None:
        numbers = [self.cpu_seconds, self.memory_mb, self.output_bytes, self.tmp_mb, self.processes, self.wall_stretch]
        if self.wall_seconds is not None:
            numbers.append(self.wall_seconds)
        if not all(math.isfinite(number) and number > 0 for number in numbers):
            raise ValueError(f"every limit is a positive number, found {self}")

    @property
    def idle_wall_seconds(self) -> float:
        """Return the wall time in seconds after which a program that does not compute is ended."""
        if self.wall_seconds is not None:
            return self.wall_seconds
        return max(WALL_FLOOR_SECONDS, WALL_PER_CPU_SECOND * self.cpu_seconds)

    @property
    def hard_wall_seconds(self) -> float:
        """Return the wall time in seconds after which any program is ended."""
        return self.wall_stretch * self.idle_wall_seconds
