"""Solutions by people for the built-in arithmetic: the stated rate, both kinds of slips, the same text every time."""

from __future__ import annotations

import itertools
from math import sqrt

import pytest

from tasks.data.sources import load_problems
from tasks.domain.arithmetic import ANSWER_MARK, expressions, solution
from tasks.domain.people import CAREFUL, HASTY, written_by_people
from tasks.domain.settings import SourceSettings

EXERCISES = list(itertools.islice(expressions("train"), 4000))


@pytest.mark.parametrize("share", [CAREFUL, HASTY])
def test_people_slip_at_the_stated_rate(share: float) -> None:
    wrong = [one for one in EXERCISES if written_by_people(one, share).rpartition(ANSWER_MARK)[2] != str(one.gold)]
    assert len(wrong) / len(EXERCISES) == pytest.approx(share, abs=4 * sqrt(share * (1 - share) / len(EXERCISES)))


def test_a_slip_forgets_a_carry_or_writes_one_digit_wrong_and_where_nothing_is_carried_only_the_latter() -> None:
    kinds = {"0": set(), "1": set(), "2": set()}
    for one in EXERCISES:
        text, right = written_by_people(one, HASTY), solution(one)
        if text != right:
            kinds[one.level].add(
                "digit" if text.rpartition(ANSWER_MARK)[0] == right.rpartition(ANSWER_MARK)[0] else "carry"
            )
    assert kinds == {"0": {"digit"}, "1": {"digit", "carry"}, "2": {"digit", "carry"}}


def test_the_same_exercise_has_the_same_solution() -> None:
    assert [written_by_people(one, HASTY) for one in EXERCISES[:50]] == [
        written_by_people(one, HASTY) for one in EXERCISES[:50]
    ]


def test_the_loader_changes_only_the_solutions() -> None:
    plain, people = (
        load_problems(SourceSettings(kind=kind, limit=200), "train")
        for kind in ("arithmetic", "arithmetic_people_hasty")
    )
    assert [(one.id, one.question, one.gold) for one in plain] == [(one.id, one.question, one.gold) for one in people]
    assert 20 < sum(a.meta != b.meta for a, b in zip(plain, people, strict=True)) < 90
