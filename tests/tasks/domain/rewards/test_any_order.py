"""What a question does not put in order stays free: several solutions, symmetric names, values that say themselves which they are."""

import pytest

from tests.tasks.domain.rewards.test_math_reward import accepted

SYSTEM = "Solve the system $x+y=3$, $xy=2$ for $x$ and $y$."
FREE = (
    (SYSTEM, "(1,2),(2,1)", "(2,1),(1,2)"),
    (SYSTEM, r"x=1,y=2 \text{ or } x=2,y=1", r"x=2,y=1 \text{ or } x=1,y=2"),
    ("Find $(x,y)$ if $x+y=3$ and $xy=2$.", "(1,2),(2,1)", "(x,y)=(2,1),(1,2)"),
    ("The equation has two distinct solutions $n_1$ and $n_2$. Find $n_1$ and $n_2$. (Answer in either order.)", "19, 22", "22, 19"),
    ("The equation has two distinct solutions $n_1$ and $n_2$. Find $n_1$ and $n_2$.", "19, 22", r"$n_1=\boxed{22}$, $n_2=\boxed{19}$"),
    ("Find $p$ and $q$ where $p$ and $q$ are the roots of $x^2-5x+6=0$.", "2, 3", "3, 2"),
    ("Find the prime numbers $p$ and $q$ with $p+q=5$.", "2, 3", "3, 2"),
    ("Find the critical points and classify them.", "1, -1", "-1, 1"),
    ("Find the roots and verify your answer.", "2, 3", "3, 2"),
    ("Find $x$, a real number, such that $x^2=4$.", "2, -2", "-2, 2"),
    ("Find the maximum and minimum values of $f$.", "5, -3", "-3, 5"),
    ("Find the length and width of the rectangle.", "12, 8", r"\text{Width}=8, \text{Length}=12"),
    ("Find two numbers with sum 5 and product 6.", "2, 3", "x=3, y=2"),
    ("Find two numbers with sum 5 and product 6.", "2, 3", r"$a=\boxed{3}$, $b=\boxed{2}$"),
    ("Find constants $A$ and $B$ such that $f=Ax+B$.", "3, 1", "B=1, A=3"),
    ("", "n=4, m=3", "3, 4"),
    ("Solve $x^2-x-6=0$.", "-2, 3", r"$x_1=\boxed{3}$ and $x_2=\boxed{-2}$"),
    ("In order to check the claim, which of A, B, C and D are needed?", "BD", "DB"),
)  # fmt: skip


@pytest.mark.parametrize(("question", "gold", "answer"), FREE)
def test_an_order_that_nobody_asks_for_is_free(question: str, gold: str, answer: str) -> None:
    assert accepted(gold, answer, question)
    assert accepted(gold, gold, question)


FIXED = (
    ("Find the length and width of the rectangle.", "12, 8", r"\text{Width}=12, \text{Length}=7"),
    ("Find constants $A$ and $B$ such that $f=Ax+B$.", "3, 1", "A=1, B=3"),
    ("Find $a$ and $b$.", "3, 1", "1, 3"),
    ("Find $a$ and $b$.", "a=3, b=1", r"$a=\boxed{1}$ and $b=\boxed{3}$"),
    ("List the points A, B, C in increasing order.", "B, A, C", "A, B, C"),
    (SYSTEM, "(1,2),(2,1)", "(1,2),(1,2)"),
)  # fmt: skip


@pytest.mark.parametrize(("question", "gold", "wrong"), FIXED)
def test_names_keep_their_values(question: str, gold: str, wrong: str) -> None:
    assert not accepted(gold, wrong, question)


MEANT = (
    ("What percent of 40 is 0.2?", "0.5", r"0.5\%", True),
    ("What is the probability of rain?", "0.5", r"0.5\%", False),
    ("Find $R^2$.", "R^2=5", "5", True),
    ("Find $R$.", "R^2=5", "5", False),
    ("Solve $y''=0$.", "y=C_1x+C_2", "y=ax+b", True),
    ("Find all polynomials $P$.", "P(X)=X^2", "P(x)=x^2", True),
    ("Find the probability of $A$.", "P(A)=\\frac12", "P(B)=\\frac12", False),
    ("Let $n\\ge2$ be an integer. Let $x_1,\\ldots,x_n$ be real numbers.", r"\cos(n\pi)", "(-1)^n", True),
    ("There are $n$ people in a circle.", r"\cos(n\pi)", "(-1)^n", True),
    ("Let $n$ be a real number.", r"\cos(n\pi)", "(-1)^n", False),
    ("", "2 MN", "2NM", True),
    ("", r"2\text{ kJ}", r"2\text{ J}", False),
)  # fmt: skip


@pytest.mark.parametrize(("question", "gold", "answer", "right"), MEANT)
def test_a_stricter_rule_asks_what_is_meant(question: str, gold: str, answer: str, right: bool) -> None:
    assert accepted(gold, answer, question) == right
