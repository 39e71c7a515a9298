"""Equations written in solutions: found, judged, and left alone where they are no plain arithmetic."""

from __future__ import annotations

import pytest

from tasks.domain.equations import all_hold, equation_list, equations


@pytest.mark.parametrize(
    "text",
    [
        "Sally needs 9 * 5 = 45 buttons.",
        "He has 3 + 4 x 2 = 11 and 11 - 1 = 10.",
        "That is 10 / 3 = 3.33 dollars.",
        "He pays $4.50 * 2 = $9.",
        "<<48/2=24>>24 clips, so 48+24 = <<48+24=72>>72.",
        "1,200 + 300 = 1,500",
        "20 / 80 = 25%",
        "2 * (3 + 4) = 14",
        "5 × 3 = 30 ÷ 2 = 15",
        "0.25 * 40 = 10",
        "no equation at all",
        "x = 3 and y = 4",
        "3 apples * 2 = 7 apples",  # words between the numbers: not judged
        "10% of 90 = 9",
        "-3 - 4 = -7",
        "5 / 0 = 0",  # no value to compare with
        "half of 8 = 4",
    ],
)
def test_what_holds_or_cannot_be_read_passes(text: str) -> None:
    assert all_hold(text)


@pytest.mark.parametrize(
    "text",
    [
        "Cindy has 37 - 5 = 22 envelopes.",
        "300  / 2 = 100 trucks",
        "120 / 25 = 2.5%",
        "is 4000 - 400 * 1.4 = $50000.",
        "10 / 3 = 3",
        "<<48/2=25>>",
        "3 + 4 = 7 = 8 - 2",
        "1,200 + 300 = 15,000",
        "6 * $1.25 = 6 dollars",
    ],
)
def test_a_false_equation_is_found(text: str) -> None:
    assert not all_hold(text)


def test_a_chain_is_read_pair_by_pair() -> None:
    assert [str(one) for one in equations("so 2 + 2 = 4 = 8 / 2")] == ["2+2=4", "4=8/2"]


def test_two_solutions_that_calculate_the_same_have_one_list() -> None:
    assert equation_list("He has 2 + 2 = 4 left.\n#### 4") == equation_list("2+2=4, the answer.\n#### 4") != ""


def test_a_long_run_of_operators_ends_quickly() -> None:
    assert all_hold("(" * 100_000 + "=" * 100_000) and all_hold("1+" * 100_000 + "=1")
