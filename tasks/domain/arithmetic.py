"""Built-in problems `a+b` and `a-b` of three digits, and worked solutions that carry a common misconception.

Every pair of operands belongs to exactly one split, decided by a hash of the pair in either order and under either
operator, so splits never overlap, and a split's problems are reproducible from (split, seed).

A solution works in columns from the right, as at school. Those for pre-training hold *systematic* slips: where a column
carries or borrows, most authors forget it in the next one. Random slips vanish under greedy decoding; a majority
misconception is what both greedy and sampled accuracy can recover from. The level of a problem is the number of carries or
borrows that can be forgotten: 0, 1 or 2.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from tasks.domain.errors import UserError

Operator = Literal["+", "-"]
OPERATORS: tuple[Operator, ...] = ("+", "-")
LEVELS: tuple[str, ...] = ("0", "1", "2")
LOWEST, HIGHEST = 100, 999
SHARE_END = {"pretrain": 50, "train": 80, "val": 90, "test": 100}  # percent of the hash range, cumulative
ARITHMETIC_SPLITS: tuple[str, ...] = tuple(SHARE_END)
SLIP_SHARE = 0.6  # of the carries and borrows, the share that is forgotten
ANSWER_MARK = "#### "
EXHAUSTED_AFTER = 20_000  # draws without a new problem; the smallest split has more than 100,000


@dataclass(frozen=True)
class Expression:
    """`a+b`, or `a-b` with a > b; `level` is its number of carries or borrows."""

    a: int
    operator: Operator
    b: int
    level: str

    @property
    def question(self) -> str:
        return f"{self.a}{self.operator}{self.b}=?"

    @property
    def gold(self) -> int:
        return self.a + self.b if self.operator == "+" else self.a - self.b


def split_of(a: int, b: int) -> str:
    """The one split that these operands belong to, in either order."""
    percent = int.from_bytes(hashlib.sha256(f"{min(a, b)},{max(a, b)}".encode()).digest()[:4], "big") % 100
    return next(split for split, end in SHARE_END.items() if percent < end)


def debts(a: int, operator: Operator, b: int) -> int:
    """Return how many columns carry into the next one, or borrow from it."""
    count, owed = 0, 0
    for x, y in list(zip(_digits(a), _digits(b), strict=True))[:-1]:
        owed = int(x + y + owed >= 10) if operator == "+" else int(x < y + owed)
        count += owed
    return count


def _digits(number: int) -> list[int]:
    """Return the digits from the right."""
    return [int(digit) for digit in reversed(str(number))]


def drawn(split: str, seed: int = 0, levels: Sequence[str] = LEVELS) -> Iterator[Expression]:
    """Yield expressions of one split without end, repeats included; the same arguments give the same stream."""
    rng = random.Random(f"{split}/{seed}")
    while True:
        level = rng.choice(levels)
        expression = _drawn_expression(rng, level)
        while split_of(expression.a, expression.b) != split:
            expression = _drawn_expression(rng, level)
        yield expression


def _drawn_expression(rng: random.Random, level: str) -> Expression:
    while True:
        a, b, operator = rng.randint(LOWEST, HIGHEST), rng.randint(LOWEST, HIGHEST), rng.choice(OPERATORS)
        if (operator == "+" or a > b) and str(debts(a, operator, b)) == level:
            return Expression(a, operator, b, level)


def expressions(split: str, seed: int = 0, levels: Sequence[str] = LEVELS) -> Iterator[Expression]:
    """Yield the distinct ones of `drawn`; raise UserError when there are no more."""
    return distinct(drawn(split, seed, levels), f"arithmetic {split}", levels)


class Asks(Protocol):
    """This protocol is a built-in problem; two with one question are the same."""

    @property
    def question(self) -> str: ...


Asking = TypeVar("Asking", bound=Asks)


def distinct(stream: Iterator[Asking], name: str, levels: Sequence[str]) -> Iterator[Asking]:
    """Yield each problem of an endless stream once; raise UserError when nothing new comes any more."""
    seen: set[str] = set()
    misses = 0
    for one in stream:
        misses += 1
        if one.question not in seen:
            seen.add(one.question)
            misses = 0
            yield one
        elif misses > EXHAUSTED_AFTER:
            raise UserError(f"{name} has no more than {len(seen)} problems of level {', '.join(levels)}; lower limit.")


def never() -> bool:
    return False


def solution(expression: Expression, forgets: Callable[[], bool] = never) -> str:
    """Return the columns from the right and the answer mark; `forgets` is asked at each carry or borrow.

    478+285: `8+5=13`, `7+8+1=16`, `4+2+1=7`, `#### 763`. A forgotten carry leaves the `+1` out, and the answer follows.
    """
    lines, digits, owed = [], [], False
    pairs = list(zip(_digits(expression.a), _digits(expression.b), strict=True))
    for place, (x, y) in enumerate(pairs):
        column = _column(x, expression.operator, y, owed, last=place == len(pairs) - 1)
        lines.append(column.text)
        digits.append(column.digits)
        owed = column.owes and not forgets()
    answer = int("".join(reversed(digits)))
    return "\n".join([*lines, f"{ANSWER_MARK}{answer}"])


def slipped_solution(expression: Expression, rng: random.Random, slip_share: float = SLIP_SHARE) -> str:
    """A solution as the base model's teachers write it."""
    return solution(expression, lambda: rng.random() < slip_share)


@dataclass(frozen=True)
class _Column:
    text: str
    digits: str  # what it adds to the answer: one digit, two in the last column of a sum
    owes: bool


def _column(x: int, operator: Operator, y: int, owed: bool, last: bool) -> _Column:
    debt = int(owed)
    if operator == "+":
        result = x + y + debt
        return _Column(
            f"{x}+{y}{'+1' * debt}={result}", str(result if last else result % 10), result >= 10 and not last
        )
    borrows = x < y + debt
    top = x + 10 * borrows
    result = top - y - debt
    return _Column(f"{top}-{y}{'-1' * debt}={result}", str(result), borrows)
