"""Made-up golds with answers that mean them and near misses, and what the comparison gets wrong of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tasks.domain.equivalence.decide import decide

COUNT = 12  # cases of a kind


@dataclass(frozen=True)
class Case:
    """A gold with answers that mean it and answers that do not."""

    gold: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]


def accepted(gold: str, answer: str) -> bool:
    return decide([gold, answer, "|-||", "wrong"])[0] == "correct"


def wrongly_refused(cases: Iterable[Case]) -> list[tuple[str, str]]:
    return [(case.gold, one) for case in cases for one in case.right if not accepted(case.gold, one)]


def wrongly_accepted(cases: Iterable[Case]) -> list[tuple[str, str]]:
    return [(case.gold, one) for case in cases for one in case.wrong if accepted(case.gold, one)]
