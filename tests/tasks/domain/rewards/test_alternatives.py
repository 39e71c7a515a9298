"""Several golds: one of them must be met, whatever reward compares answers; others read the data set's own text."""

import pytest

from tasks.domain.golds import joined_golds
from tasks.domain.rewards.grader import Grader
from tasks.domain.schema import Problem
from tasks.domain.settings import VerifySettings


def problem(*golds: str) -> Problem:
    return Problem("p", "own", "train", "math", "q", gold=joined_golds(golds) if len(golds) > 1 else golds[0])


@pytest.fixture(params=["math", "exact"])
def grader(request: pytest.FixtureRequest) -> Grader:
    return Grader(VerifySettings(reward=request.param, workers=1))


def test_any_of_the_alternatives_is_right_and_nothing_else(grader: Grader) -> None:
    asked = problem("12", "15")
    labels = [grader.grade(asked, f"So it is \\boxed{{{answer}}}").label for answer in ("12", "15", "13", "12, 15")]
    grader.close()
    assert labels == ["correct", "correct", "wrong", "wrong"]


def test_one_readable_gold_is_enough(grader: Grader) -> None:
    bad = grader.check_gold([problem("", "15"), problem("12", "15")])
    grader.close()
    assert bad == []


def test_the_key_of_a_single_gold_is_as_it_was(grader: Grader) -> None:
    assert grader.reads(problem("12")) == ("p", "12", None)
    assert grader.reads(problem("12", "15")) == [("p", "12", None), ("p", "15", None)]
    grader.close()
