"""Diversity of the samples of a problem, counted by hand."""

from __future__ import annotations

from math import isnan

from tasks.domain.diversity import diversity
from tasks.domain.schema import Sample, Verdict


def drawn(problem: str, index: int, text: str, label: str, answer: str | None) -> tuple[Sample, Verdict]:
    sample = Sample(problem, "", index, text, "stop", None, 1, 1, "p", "q", "s")
    evidence = {} if answer is None else {"answer": answer}
    return sample, Verdict(problem, index, label, float(label == "correct"), evidence)  # type: ignore[arg-type]


ROWS = [
    drawn("a", 0, "2+3=5\n#### 5", "correct", "5"),
    drawn("a", 1, "2+3 = 5 \n#### 5", "correct", "5"),
    drawn("a", 2, "2+3=6\n#### 5", "correct", "5"),
    drawn("a", 3, "2+3=6\n#### 6", "wrong", "6"),
    drawn("b", 0, "no idea", "unparseable", None),
    drawn("b", 1, "no idea", "unparseable", None),
    drawn("b", 2, "#### 7", "correct", "7"),
    drawn("b", 3, "#### 8", "wrong", "8"),
]


def test_distinct_solutions_answers_and_unique_correct_ones_are_means_over_problems() -> None:
    found = diversity(*zip(*ROWS, strict=True))
    assert found is not None
    assert (found.problems, found.samples) == (2, 4)
    assert (
        found.distinct_solutions == (4 + 3) / 2
    )  # "2+3=5" and "2+3 = 5" are two texts, white space at the end is none
    assert found.distinct_answers == (2 + 2) / 2
    assert found.unique_correct == (3 + 1) / 2


def test_a_false_equation_counts_where_the_answer_was_accepted() -> None:
    found = diversity(*zip(*ROWS, strict=True))
    assert found is not None
    assert found.false_equations == 1 / 3


def test_nothing_is_no_diversity_and_no_equation_is_no_share() -> None:
    assert diversity([], []) is None
    found = diversity(*zip(*ROWS[4:], strict=True))
    assert found is not None and isnan(found.false_equations)
