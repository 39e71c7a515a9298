"""Solutions as people write them for the built-in arithmetic: mostly right, with slips of two kinds at a stated rate.

A human data set is the natural rival of a model's own solutions, and its authors are not the base's: the base forgets most
carries, while people rarely slip, and in two ways. Half of their slips forget one carry or borrow (where there is one), the rest
write one digit of the answer wrong. Rates and kinds were fixed before any method was compared on them.
"""

from __future__ import annotations

import random
import re

from tasks.domain.arithmetic import ANSWER_MARK, Expression, debts, solution

CAREFUL, HASTY = 0.05, 0.25  # shares of the solutions that hold a slip
CARRY_SHARE = 0.5  # of the slips; solutions without a carry slip in a digit


def written_by_people(expression: Expression, slip_share: float) -> str:
    """Return one person's solution; the same expression and share give the same text."""
    rng = random.Random(f"people/{slip_share}/{expression.question}")
    if rng.random() >= slip_share:
        return solution(expression)
    owed = debts(expression.a, expression.operator, expression.b)
    if owed and rng.random() < CARRY_SHARE:
        return _one_forgotten(expression, rng.randrange(owed))
    return _one_digit_wrong(solution(expression), rng)


def _one_forgotten(expression: Expression, which: int) -> str:
    """Return the solution in which the carry or borrow of that number, counted from the right, is forgotten."""
    asked = iter(range(len(str(expression.a))))
    return solution(expression, lambda: next(asked) == which)


def _one_digit_wrong(text: str, rng: random.Random) -> str:
    working, _, answer = text.rpartition(ANSWER_MARK)
    place = rng.choice([found.start() for found in re.finditer(r"\d", answer)])
    wrong = rng.choice([digit for digit in "0123456789" if digit != answer[place]])
    return f"{working}{ANSWER_MARK}{answer[:place]}{wrong}{answer[place + 1 :]}"
