"""What is to be drawn, as data: whose completions, of which problems, how many, and range by range."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.data.problems import ProblemSet
from tasks.domain.schema import Policy, Sampling
from tasks.store.ranges import MAX_RANGES, split_ranges
from tasks.store.slots import Slot


@dataclass(frozen=True)
class Draws:
    """Which completions are wanted: from whom, for what, how, and how many a problem."""

    slot: Slot
    policy: Policy
    problems: ProblemSet
    sampling: Sampling
    spans: tuple[tuple[int, int], ...]  # [start, stop) of the indices, a wave each
    draw: str = ""
    capped: bool = False  # a problem whose cap of accepted solutions is filled drops out of later waves
    most_task_runs: int = 32  # ranges grow where there would be more

    @property
    def most_ranges(self) -> int:
        """Each range takes two task runs a wave."""
        return max(1, min(MAX_RANGES, self.most_task_runs // (2 * len(self.spans))))

    def ranges(self, size: int) -> list[RangeWork]:
        """The work, range by range of about `size` problems."""
        ranges = split_ranges(self.problems.all(), size, self.most_ranges)
        return [RangeWork(self, number, ids) for number, ids in enumerate(ranges)]


@dataclass(frozen=True)
class RangeWork:
    """One problem range of the draws."""

    draws: Draws
    number: int
    ids: tuple[str, ...]

    @property
    def slot(self) -> Slot:
        return self.draws.slot.at(range=self.number)
