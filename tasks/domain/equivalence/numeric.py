"""Do two expressions have the same value, for every value of their symbols?

Rational expressions are compared exactly. Everything else is evaluated at fixed sample points: in floating point, which
settles nearly all unequal pairs in microseconds, then with 40 and 90 digits, where a true difference stays and
rounding noise shrinks. By the Schwartz-Zippel argument a few generic points decide identities between such expressions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tasks.domain.equivalence.evaluation import (
    COUNTING_LETTERS,
    SPANS,
    Arithmetic,
    Digits,
    Evaluation,
    Floats,
    NotNumeric,
    Undefined,
)
from tasks.domain.equivalence.nodes import Node, has, symbols, walk

MAX_BITS = 6000  # of an exact rational
MAX_FACTORIAL = 200
MAX_FACTORIAL_RESIDUE = 20_000
RATIONAL = ("num", "dec", "add", "mul", "neg", "inv", "pow")
PRIMES = (2**61 - 1, 2**89 - 1)  # Mersenne primes
NOISE = 1e-10  # of a double after a few cancelling operations
CLOSE = 1e-6  # doubles nearer than this need more digits
PRECISE = 1e-30  # relative; with 40 digits
FINELY, LARGE = 1e-75, 1e8  # relative, with 90 digits; above this size, 40 digits do not show an added 1
PLAIN, FINE = Digits(40), Digits(90)

Both = Callable[[Arithmetic, int], tuple[Any, Any]]


def exact(node: Node) -> Fraction | None:
    """The rational value of a small rational expression; None for everything else."""
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


def _same_residues(one: Node, two: Node) -> bool | None:
    """None when an exponent is no whole number of reasonable size, or a prime divides a denominator."""
    try:
        return all(residue(one, prime) == residue(two, prime) for prime in PRIMES)
    except (Undefined, ValueError):
        return None


def is_rational(node: Node) -> bool:
    return all(part.op in RATIONAL or (part.op == "fn" and part.value == "factorial") for part in walk(node))


def residue(node: Node, prime: int) -> int:
    """A rational expression modulo a prime: exact for numbers too large to write down, such as 2^4950 + 1."""
    if node.op in ("num", "dec"):
        value = node.value if node.op == "num" else node.args[0].value
        return int(value.numerator * pow(value.denominator, -1, prime) % prime)
    if node.op == "pow":
        return pow(residue(node.args[0], prime), _exponent(node.args[1]), prime)
    if node.op == "fn":
        return _factorial_residue(node.args[0], prime)
    parts = [residue(arg, prime) for arg in node.args]
    if node.op == "add":
        return sum(parts) % prime
    if node.op in ("neg", "inv"):
        return -parts[0] % prime if node.op == "neg" else pow(parts[0], -1, prime)
    product = 1
    for part in parts:
        product = product * part % prime
    return product


def _exponent(node: Node) -> int:
    value = exact(node)
    if value is None or value.denominator != 1:
        raise Undefined
    return int(value)


def _factorial_residue(node: Node, prime: int) -> int:
    value = exact(node)
    if value is None or value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL_RESIDUE:
        raise Undefined
    product = 1
    for factor in range(2, int(value) + 1):
        product = product * factor % prime
    return product


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


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise NotNumeric("too large")
    return value


def equal(one: Node, two: Node, degrees: tuple[bool, bool] = (True, True)) -> bool:
    """Whether two expressions agree identically. `degrees`: whether each side's degree signs mean pi / 180 or nothing.

    NotNumeric when one of them has no value.
    """
    left, right = exact(one), exact(two)
    if left is not None and right is not None:
        return left == right
    if is_rational(one) and is_rational(two) and (same := _same_residues(one, two)) is not None:
        return same
    readings = (False, True) if _plain_log(one) or _plain_log(two) else (False,)
    return any(_agree(one, two, degrees, log10) for log10 in readings)


def same_value(one: Node, two: Node, degrees: tuple[bool, bool] = (True, True)) -> bool:
    """Like `equal`, and False for what has no value."""
    try:
        return equal(one, two, degrees)
    except NotNumeric:
        return False


def _plain_log(node: Node) -> bool:
    """A log without a base is the natural one or that to base 10: both are tried."""
    return any(part.op == "fn" and part.value == "log" and len(part.args) == 1 for part in walk(node))


def _agree(one: Node, two: Node, degrees: tuple[bool, bool], log10: bool) -> bool:
    def both(m: Arithmetic, point: int) -> tuple[Any, Any]:
        left = Evaluation(m, point, degrees=degrees[0], log10=log10).value(one)
        return left, Evaluation(m, point, degrees=degrees[1], log10=log10).value(two)

    free = symbols(one) | symbols(two) or any(has(side, "call", "opaque", "dots") for side in (one, two))
    if not free:
        return _rough(both, 0) is not False and _precisely(both, 0)
    return _agree_everywhere(both) or _agree_on_whole_numbers(one, two, both)


def _agree_everywhere(both: Both) -> bool:
    """Equal at every point where both are real; at one of them to many digits."""
    confirmed = False
    for point in range(len(SPANS)):
        verdict = _rough(both, point, branches=True)
        if verdict is False:
            return False
        if verdict and not confirmed:
            confirmed = _precisely(both, point)
            if not confirmed:
                return False
    return confirmed


def _agree_on_whole_numbers(one: Node, two: Node, both: Both) -> bool:
    """Identities that hold for whole numbers only: (-1)^n, sin(n pi)."""
    if not any(_alternates(node) for side in (one, two) for node in walk(side)):
        return False
    return all(_precisely(both, len(SPANS) + k) for k in range(5))


def _alternates(node: Node) -> bool:
    if not symbols(node) & COUNTING_LETTERS:
        return False
    if node.op == "pow":
        base = exact(node.args[0])
        return base is not None and base < 0
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


def _precisely(both: Both, point: int) -> bool:
    """Equal to 30 digits, or the difference is rounding noise: it shrinks when digits are added."""
    try:
        left, right = both(PLAIN, point)
        gap, size = abs(left - right), max(abs(left), abs(right))
        if gap <= PRECISE * size and size < LARGE:
            return True
        left, right = both(FINE, point)
    except Undefined:
        return False
    finer, size = abs(left - right), max(abs(left), abs(right))
    return bool(finer <= FINELY * size or finer < PRECISE * gap)
