"""What the base `builtin:arithmetic_hints` is taught: the exercises of `arithmetic`, of which a share are told their answer.

STaR's second try (arXiv 2203.14465) asks the model to work towards an answer that it is told, so its base must know what the text
in parentheses behind a question is for. Half of the hints are the answer, half a whole solution. Teachers who are told the answer
write it down whatever their columns say, and still forget a carry or borrow now and then, though less often: so a hinted solution
can be right by its answer and wrong by its working, which is what STaR's authors report of theirs. The shares were fixed before
any method was compared on this base.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tasks.domain.arithmetic import ANSWER_MARK, Expression, drawn, slipped_solution, solution

HINTED_SHARE = 0.3  # of the exercises
WHOLE_SHARE = 0.5  # of the hints: a solution instead of the answer
TOLD_SLIP_SHARE = 0.2  # of the carries and borrows, the share that teachers forget who are told the answer


def exercises(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (question, solution) without end, a hint in parentheses behind some of the questions."""
    rng = random.Random(seed)
    return (_exercise(one, rng) for one in drawn("pretrain", seed))


def _exercise(one: Expression, rng: random.Random) -> tuple[str, str]:
    if rng.random() >= HINTED_SHARE:
        return one.question, slipped_solution(one, rng)
    if rng.random() < WHOLE_SHARE:
        return hinted_question(one, solution(one)), solution(one)
    return hinted_question(one, str(one.gold)), told_solution(one, rng)


def hinted_question(one: Expression, hint: str) -> str:
    """Return the question as a prompt template writes it with a hint (tasks/domain/prompts.py)."""
    return f"{one.question} ({hint})"


def told_solution(one: Expression, rng: random.Random) -> str:
    """Return the solution of a teacher who is told the answer: it ends in that answer, whatever the columns say."""
    working, _, _ = slipped_solution(one, rng, TOLD_SLIP_SHARE).rpartition(ANSWER_MARK)
    return f"{working}{ANSWER_MARK}{one.gold}"
