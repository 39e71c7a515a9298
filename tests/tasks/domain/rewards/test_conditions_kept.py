r"""What stands beside a value may be a condition or another value, and a letter's name is no constant: rules that loosen, and what they must not."""

from __future__ import annotations

import pytest

from tests.tasks.domain.rewards.test_math_reward import accepted

WHERE = "What are the speeds after the collision?"
RIGHT = (
    (r"\frac12", r"e=\frac12", "Find the eccentricity of the ellipse."), ("5", "Therefore, $e=5$.", ""), ("(d,e)=(1,2)", r"\boxed{(1,2)}", ""),
    (r"\text{All integers } n \geq 2", r"\boxed{n\ge 2}", ""), ("all integers greater than 2", r"\boxed{n>2}", ""),
    ("4, attained at x=2 and x=-2", r"\boxed{4, attained at x=-2 and x=2}", ""), ("4, attained at x=2", r"\boxed{4}", ""),
    (r"n=2^k, k\ge 0", r"\boxed{n \text{ is a power of } 2}", ""), (r"n=2k+1, k\in\mathbb{Z}", r"\boxed{n \text{ is odd}}", ""),
    ("x=2 (multiplicity 2), x=3 (multiplicity 1)", r"\boxed{x=3, x=2 (multiplicity 2)}", ""),
    ("Alice wins", r"\boxed{Alice wins the game}", ""), (r"n\ge 3", r"\boxed{3,4,5,\dots}", "Find all positive integers $n$."),
    (r"\frac{m}{n}=\frac37", r"\boxed{\frac37}", ""), ("impossible", r"\boxed{not possible}", ""),
)  # fmt: skip
WRONG = (
    (r"\text{All integers } n \geq 2", r"\boxed{\text{All integers } n \geq 3}", ""), ("all integers greater than 2", r"\boxed{all integers greater than 3}", ""),
    (r"n\ge 3, n\in\mathbb{Z}", r"\boxed{n\ge 2}", ""), ("Minimum: -3 at x=2; maximum: 5 at x=0", r"\boxed{-3}", ""),
    ("the maximum is 5 if n=1, otherwise 7", r"\boxed{5}", ""), ("5", r"\boxed{the minimum is 5 at x=1 and the maximum is 9}", ""),
    ("the minimum is $3$ for $n=2$ and $4$ for $n=3$", r"\boxed{the minimum is $3$}", ""),
    (r"\text{maximum is } 5 \text{ for } n=2, \text{ and } 7 \text{ for } n=3", r"\boxed{5}", ""),
    ("4, attained at x=2 and x=-2", r"\boxed{4, attained at x=5}", ""), ("n+1, achieved when n is even", r"\boxed{n+1, achieved when n is odd}", ""),
    (r"9\text{ min}", r"\boxed{9\text{ min} \text{ when } x=1}", ""),
    (r"n=2^k, k\ge 2", r"\boxed{n \text{ is a power of } 2}", ""), (r"n=2k+1, k\ge5", r"\boxed{n \text{ is odd}}", ""),
    (r"n=p^2 \text{ where } p \text{ is prime}", r"\boxed{n \text{ is a perfect square}}", ""),
    ("v_1=2, v_2=3", r"\boxed{v_1=3, v_2=2}", WHERE), ("m_1=1, m_2=4", r"\boxed{m_1=4, m_2=1}", "Find the masses of the two balls."),
    (r"x\ge 3", r"\boxed{3,4,5,\dots}", "Solve over the reals."), ("x>0", r"\boxed{1,2,3,\ldots}", ""), (r"3,4,5,\ldots", r"\boxed{x>2.5}", ""),
    (r"(2,\infty)", r"\boxed{all integers greater than 2}", ""), ("all integers greater than 2", r"\boxed{(2,\infty)}", ""),
    ("x=2 (double), x=3", r"\boxed{x=2, x=3 (double)}", ""), ("ab=-1", r"\boxed{-1}", "What condition on a and b makes the lines perpendicular?"),
    ("a/b=2", r"\boxed{2}", "Find the relation between a and b."), ("true", r"\boxed{possible}", ""), ("Yes", r"\boxed{possible}", "Is it certain?"),
    ("correct", r"\boxed{possible}", ""), ("false", r"\boxed{impossible}", ""),
)  # fmt: skip


@pytest.mark.parametrize(("gold", "text", "question"), RIGHT)
def test_a_value_is_known_beside_what_is_said_of_it(gold: str, text: str, question: str) -> None:
    assert accepted(gold, text, question)


@pytest.mark.parametrize(("gold", "text", "question"), WRONG)
def test_a_condition_or_another_value_is_not_dropped(gold: str, text: str, question: str) -> None:
    assert not accepted(gold, text, question)
