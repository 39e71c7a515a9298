"""Each kind of answer: what means the same is accepted, and the near misses beside it are not."""

from __future__ import annotations

import pytest

from tasks.domain.equivalence.decide import decide
from tasks.domain.equivalence.hints import hints_of
from tests.tasks.domain.equivalence.answer_kinds import KINDS, Example, Kind, examples

COUNT = 8


def accepted(example: Example, answer: str) -> bool:
    return decide([example.gold, answer, hints_of(example.question).code(), "wrong"])[0] == "correct"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_same_answers_are_accepted(kind: Kind) -> None:
    missed = [(e.gold, answer) for e in examples(kind, COUNT) for answer in e.right if not accepted(e, answer)]
    assert missed == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_near_misses_are_refused(kind: Kind) -> None:
    slipped = [(e.gold, answer) for e in examples(kind, COUNT) for answer in e.wrong if accepted(e, answer)]
    assert slipped == []
