"""What the end of a completion says when it states no answer: the value in bold, a point, a date, that there is none."""

from __future__ import annotations

import pytest

from tests.tasks.domain.rewards.test_math_reward import accepted

RIGHT = (
    ("(2,5)", "so the vertex is at **(2, 5)**"), ("(2,5)", "Therefore the vertex is at (2, 5)."), (r"\frac{3}{4}", "Hence the chance is **3/4**."),
    ("no solution", "The discriminant is -4 < 0. Therefore, the equation has no real solutions."), ("no solution", "Hence no such integers exist."),
    ("no solution", "x = 3 fails, so there is no solution."), ("January 12", "He was born on January 12."), ("March 5", "It falls on the 5th of March."),
    ("12", "He was born on January 12."), ("2024", "It happened in May 2024."), ("5", "Thus, the number of solutions is $5$: $1,2,3,4,6$."),
    ("120", "m∠ABC = **120°**"), (r"2\sqrt{3}", "so AB=2*sqrt(3)"), (r"\mathbb{R}\setminus\{0\}", "all real numbers except 0"), ("x>5", "x is greater than 5"),
    (r"\text{Ann: } 12, \text{ Bob: } 15", "Ann has 12 and Bob has 15."), (r"\text{length } 8, \text{ width } 5", "The length is 8 and the width is 5."),
    ("n is not a power of 2", "n is not a power of 2."), ("5", "So $x=5$. The other equation has no real roots."),
    ("5", "The first case gives $x=5$. In the second case there is no solution."), (r"\frac{7}{2}", "Each of the 2 children gets 3.5 apples."),
    ("6", "There are 6 integers between 1 and 6."), ("20", "In May 20 people came."), ("10", "All real solutions sum to 10."),
    (r"\frac{20000}{3}", r"\boxed{20\,000/3}"),
)  # fmt: skip
WRONG = (
    ("(2,5)", "so the vertex is at **(5, 2)**"), ("5", "so the vertex is at **(2, 5)**"), ("no solution", "It is not true that there is no solution."),
    ("no solution", "If a = 0 there is no solution, but for a = 1 the solution is 3."), ("January 12", "He was born on the 12th of February."),
    (r"\frac{3}{4}", "The probability is between 1/2 and 3/4."), ("5", "It is unclear, maybe 5, maybe not."),
    ("It is divisible by 7.", "It is not divisible by 7."), ("n is a power of 2", "n is not a power of 2."), ("7", "7?"),
    (r"\text{Ann: } 12, \text{ Bob: } 15", "Ann has 15 and Bob has 12."), ("0", "all real numbers except 0"), ("5", "x is greater than 5"),
)  # fmt: skip


@pytest.mark.parametrize(("gold", "text"), RIGHT)
def test_the_end_of_a_completion_is_read(gold: str, text: str) -> None:
    assert accepted(gold, text)


@pytest.mark.parametrize(("gold", "text"), WRONG)
def test_what_the_end_does_not_say_is_no_answer(gold: str, text: str) -> None:
    assert not accepted(gold, text)
