"""Problem ranges: the unit of work, of commit and of distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.domain.schema import Problem
from tasks.store.artifacts import ArtifactRef

MAX_RANGES = 32  # keeps an iteration's task runs (ranges x waves x 2) to a few hundred at any size


@dataclass(frozen=True)
class RangeSamples:
    """What was drawn for one problem range: a (samples, verdicts) pair per wave."""

    ids: tuple[str, ...]
    waves: tuple[tuple[ArtifactRef, ArtifactRef], ...]

    @property
    def first_wave(self) -> RangeSamples:
        return RangeSamples(self.ids, self.waves[:1])


@dataclass(frozen=True)
class Extra:
    """Graded samples that join this round's own in a data set; there their indices count from `first`, so none comes twice."""

    first: int
    ranges: tuple[RangeSamples, ...]


def split_ranges(problems: Sequence[Problem], size: int, most: int = MAX_RANGES) -> list[tuple[str, ...]]:
    """Split ids into ranges of `size` problems, or of more where that would make more than `most` ranges."""
    width = max(size, math.ceil(len(problems) / most))
    ids = [problem.id for problem in problems]
    return [tuple(ids[first : first + width]) for first in range(0, len(ids), width)]
