"""Describes what is to be drawn, as data: which policy's completions, for which problems, how many, and in which ranges."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.data.problems import ProblemSet
from tasks.domain.schema import Hint, Policy, Sampling
from tasks.domain.settings import EngineSettings
from tasks.store.ranges import MAX_RANGES, split_ranges
from tasks.store.slots import Slot


@dataclass(frozen=True)
class Draws:
    """Which completions are wanted: from which policy, for which problems, with which sampling, and how many per problem."""

    slot: Slot
    policy: Policy
    problems: ProblemSet
    sampling: Sampling
    spans: tuple[tuple[int, int], ...]  # [start, stop) of the indices, a wave each
    draw: str = ""
    capped: bool = False  # a problem whose cap of accepted solutions is filled drops out of later waves
    most_task_runs: int = 32  # ranges grow where there would be more
    ids: tuple[str, ...] | None = None  # of the problems; None: all of them
    hint: Hint = "none"
    engine: EngineSettings | None = None  # of a teacher; None: the run's

    @property
    def most_ranges(self) -> int:
        """Return the most ranges; each range takes two task runs per wave."""
        return max(1, min(MAX_RANGES, self.most_task_runs // (2 * len(self.spans))))

    def ranges(self, size: int) -> list[RangeWork]:
        """Return the work in ranges of about `size` problems."""
        problems = self.problems.all() if self.ids is None else self.problems.select(self.ids)
        ranges = split_ranges(problems, size, self.most_ranges)
        return [RangeWork(self, number, ids) for number, ids in enumerate(ranges)]


@dataclass(frozen=True)
class RangeWork:
    """The work of one problem range."""

    draws: Draws
    number: int
    ids: tuple[str, ...]

    @property
    def slot(self) -> Slot:
        return self.draws.slot.at(range=self.number)
