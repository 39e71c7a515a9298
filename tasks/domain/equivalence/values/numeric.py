"""Do two expressions have the same value, for every value of their symbols?

Rational expressions are compared exactly, rational functions modulo primes (`residues`). Everything else is first evaluated
at fixed sample points, which refutes nearly all unequal pairs in microseconds. What agrees is then proved: constants of
roots and rational angles by a separation bound (`algebraic`), the rest by SymPy (`symbolic`). Where neither proves it,
agreement at the points to 90 and 250 digits accepts, and is noted as `sampled`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tasks.domain.equivalence import proofs
from tasks.domain.equivalence.nodes import Node, has, symbol, symbols, walk
from tasks.domain.equivalence.values import algebraic
from tasks.domain.equivalence.values.arithmetic import Arithmetic, Floats, NotNumeric, Undefined, digits
from tasks.domain.equivalence.values.evaluation import SPANS, Evaluation
from tasks.domain.equivalence.values.residues import same_rational
from tasks.domain.equivalence.values.surds import same_surds
from tasks.domain.equivalence.values.symbolic import proves_equal

MAX_BITS = 6000  # of an exact rational
MAX_FACTORIAL = 200
NOISE = 1e-10  # of a double after a few cancelling operations
CLOSE = 1e-6  # doubles nearer than this need more digits
PRECISE = 1e-60  # by which rounding noise shrinks when 90 digits become 250
PLAIN, FINE, FINEST = digits(40), digits(90), digits(250)
MOST_WRITTEN = 20  # digits that 90 have room for
ROUNDED_POINTS = 36  # whole numbers at which what is rounded to whole numbers is compared
CONFIRMED, WHOLE_POINTS = 3, 7  # points at which symbols are evaluated to many digits
NO_LETTERS: frozenset[str] = frozenset()

Both = Callable[[Arithmetic, int], tuple[Any, Any]]


def exact(node: Node) -> Fraction | None:
    """Return the rational value of a small rational expression; None for everything else."""
    try:
        return _exact(node)
    except (NotNumeric, ZeroDivisionError):
        return None


def _exact(node: Node) -> Fraction:
    op = node.op
    if op in ("num", "dec"):
        value: Fraction = node.value if op == "num" else node.args[0].value
        return value
    if op == "fn" and node.value == "factorial":
        return _factorial(_exact(node.args[0]))
    if op == "fn" and node.value == "binomial":
        return _binomial(*map(_exact, node.args))
    if op == "pct":
        return _exact(node.args[0]) / 100
    if op not in ("add", "mul", "neg", "inv", "pow"):
        raise NotNumeric(op)
    parts = [_exact(arg) for arg in node.args]
    if op == "add":
        return _bounded(sum(parts, Fraction(0)))
    if op == "mul":
        return _product(parts)
    if op == "neg":
        return -parts[0]
    return 1 / parts[0] if op == "inv" else _power(*parts)


def _product(parts: list[Fraction]) -> Fraction:
    product = Fraction(1)
    for part in parts:
        product = _bounded(product * part)
    return product


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if exponent.denominator != 1 or abs(exponent) * bits > MAX_BITS:
        raise NotNumeric("power")
    return base ** int(exponent)


def _factorial(value: Fraction) -> Fraction:
    if value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL:
        raise NotNumeric("factorial")
    return Fraction(math.factorial(int(value)))


def _binomial(total: Fraction, taken: Fraction) -> Fraction:
    if total.denominator != 1 or taken.denominator != 1 or not 0 <= taken <= total <= MAX_BITS // 10:
        raise NotNumeric("binomial")
    return _bounded(Fraction(math.comb(int(total), int(taken))))


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise NotNumeric("too large")
    return value


def equal(one: Node, two: Node, degrees: tuple[bool, bool] = (True, True), whole: frozenset[str] = NO_LETTERS) -> bool:
    """Whether two expressions agree identically. `degrees`: whether each side's degree signs mean pi / 180 or nothing;
    `whole`: letters that run over the whole numbers. NotNumeric when one of them has no value.
    """
    left, right = exact(one), exact(two)
    if left is not None and right is not None:
        return left == right
    same = same_rational(one, two)
    if same is not None:
        return same
    if (same := same_surds(one, two)) is not None:
        if same:
            proofs.note("algebraic")
        return same
    if has(one, "sum", "product") or has(two, "sum", "product"):
        counted = whole | {part.value for side in (one, two) for part in walk(side) if part.op in ("sum", "product")}
        counted |= frozenset(
            name
            for side in (one, two)
            for part in walk(side)
            if part.op in ("sum", "product")
            for name in symbols(part.args[1])
        )
        if proves_equal(one, two, degrees, False, frozenset(counted)):
            proofs.note("symbolic")
            return True
    readings = (False, True) if _plain_log(one) or _plain_log(two) else (False,)
    return any(_agree(one, two, degrees, log10, whole) for log10 in readings)


def same_value(
    one: Node, two: Node, degrees: tuple[bool, bool] = (True, True), whole: frozenset[str] = NO_LETTERS
) -> bool:
    """Like `equal`, and False for what has no value."""
    try:
        return equal(one, two, degrees, whole)
    except NotNumeric:
        return False


def _plain_log(node: Node) -> bool:
    """A log without a base is the natural one or that to base 10: both are tried."""
    return any(part.op == "fn" and part.value == "log" and len(part.args) == 1 for part in walk(node))


def _agree(one: Node, two: Node, degrees: tuple[bool, bool], log10: bool, whole: frozenset[str]) -> bool:
    """Values refute; equal ones are accepted on a proof, or (noted as such) because they agree at many points."""

    def both(m: Arithmetic, point: int) -> tuple[Any, Any]:
        left = Evaluation(m, point, degrees[0], log10, whole).value(one)
        return left, Evaluation(m, point, degrees[1], log10, whole).value(two)

    if not symbols(one) | symbols(two) and not any(has(side, "call", "opaque", "dots", "based") for side in (one, two)):
        return _same_constant(one, two, degrees, both)
    if _is_rounded(one) or _is_rounded(two):
        return _agree_rounded(one, two, degrees, log10, whole)
    if _agree_everywhere(both) or _agree_on_whole_numbers(one, two, both, whole):
        proofs.note("symbolic" if proves_equal(one, two, degrees, log10, whole) else "sampled")
        return True
    return False


def _is_rounded(node: Node) -> bool:
    return any(part.op == "fn" and part.value in ("floor", "ceil") for part in walk(node))


def _agree_rounded(one: Node, two: Node, degrees: tuple[bool, bool], log10: bool, whole: frozenset[str]) -> bool:
    """Floors and ceilings are told apart at whole numbers only (the ceiling of x is its floor and 1 everywhere else), and are
    the same there alone where the letters are whole: the ceiling of n/2 and the floor of (n+1)/2."""
    letters = symbols(one) | symbols(two)

    def both(m: Arithmetic, point: int) -> tuple[Any, Any]:
        counted = letters if point >= len(SPANS) else whole
        left = Evaluation(m, point, degrees[0], log10, counted).value(one)
        return left, Evaluation(m, point, degrees[1], log10, counted).value(two)

    verdicts = [_rough(both, len(SPANS) + k) for k in range(ROUNDED_POINTS)]
    if False in verdicts or not (letters <= whole or _agree_everywhere(both)):
        return False
    if not any(verdicts):
        return False
    proofs.note("sampled")
    return True


def _same_constant(one: Node, two: Node, degrees: tuple[bool, bool], both: Both) -> bool:
    if _rough(both, 0) is False:
        return False
    if degrees == (True, True) and (proved := algebraic.same(one, two)) is not None:
        proofs.note("algebraic")
        return proved and _rough(both, 0) is not None
    if not _precisely(both, 0, _written_digits(one) + _written_digits(two)):
        return False
    proofs.note("symbolic" if proves_equal(one, two, degrees, False, NO_LETTERS) else "sampled")
    return True


def _written_digits(node: Node) -> int:
    """Digits of the numbers as they are written: a difference may be as small as the longest of them."""
    parts = (part.value for part in walk(node) if part.op == "num")
    return max((max(value.numerator.bit_length(), value.denominator.bit_length()) for value in parts), default=0) // 3


def _agree_everywhere(both: Both) -> bool:
    """Equal at every point where both are real; at up to three of them to many digits."""
    confirmed = 0
    for point in range(len(SPANS)):
        verdict = _rough(both, point, branches=True)
        if verdict is False:
            return False
        if verdict and confirmed < CONFIRMED:
            if not _precisely(both, point):
                return False
            confirmed += 1
    return confirmed > 0


def _agree_on_whole_numbers(one: Node, two: Node, both: Both, whole: frozenset[str]) -> bool:
    """Identities that hold for whole numbers only: (-1)^n, sin(n pi)."""
    if not any(_alternates(node, whole) for side in (one, two) for node in walk(side)):
        return False
    return all(_precisely(both, len(SPANS) + k) for k in range(WHOLE_POINTS))


def _alternates(node: Node, whole: frozenset[str]) -> bool:
    if not symbols(node) & whole:
        return False
    if node.op == "pow":
        base = exact(node.args[0])
        turns = node.args[0] == symbol("e") and any(part == symbol("i") for part in walk(node.args[1]))
        return turns or (base is not None and base < 0)
    return node.op == "fn" and node.value in ("sin", "cos", "tan")


def _rough(both: Both, point: int, branches: bool = False) -> bool | None:
    """False: surely different; True: equal as far as doubles go; None: no value here, or (with `branches`) values that
    may lie on different branches of a complex function."""
    m = Floats()
    try:
        left, right = both(m, point)
    except Undefined:
        return None
    size, gap = max(abs(left), abs(right)), abs(left - right)
    if not math.isfinite(gap) or not math.isfinite(size):
        return None
    if gap <= max(CLOSE * size, NOISE * m.peak):
        return True
    imaginary = max(abs(left.imag), abs(right.imag))
    return None if branches and imaginary > CLOSE * size else False


def _precisely(both: Both, point: int, written: int = 0) -> bool:
    """Equal to 75 digits and the digits that were written, or the difference is rounding noise: it shrinks when digits are added."""
    finely, finest = (FINE, FINEST) if written <= MOST_WRITTEN else (digits(written + 90), digits(2 * written + 250))
    try:
        left, right = both(finely, point)
        gap, size = abs(left - right), max(abs(left), abs(right))
        if gap > max(NOISE * size, NOISE):
            return False
        left, right = both(finest, point)
    except Undefined:
        return False
    finer, size = abs(left - right), max(abs(left), abs(right))
    return bool(finer <= finest.context.mpf(10) ** -(finest.context.dps - 20) * size or finer < gap * PRECISE)
