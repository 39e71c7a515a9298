"""Numbers such as 2 + 3 sqrt 5: sums of rational multiples of square roots, decided without evaluating them.

The square roots of different square-free whole numbers are linearly independent over the rationals (Besicovitch, 1940), so
two such sums are equal exactly when their coefficients are.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import isqrt

from tasks.domain.equivalence.nodes import Node
from tasks.domain.equivalence.values.residues import constant

MAX_RADICAND = 10**8  # some 450 trial divisions
MAX_TERMS, MAX_POWER, MAX_BITS = 8, 12, 600
HALF = Fraction(1, 2)
Surd = dict[int, Fraction]  # the coefficient of the root of each square-free number, none of them zero


class NotSurd(Exception):
    """The tree has other parts, or is too large."""


def same_surds(one: Node, two: Node) -> bool | None:
    """Whether two sums of square roots are equal; None when one of them is none."""
    try:
        return _surd(one) == _surd(two)
    except (NotSurd, ZeroDivisionError):
        return None


def _surd(node: Node) -> Surd:
    op = node.op
    if op in ("num", "dec"):
        return _rational(node.value if op == "num" else node.args[0].value)
    if op == "fn" and node.value == "sqrt" and len(node.args) == 1:
        return _root(_surd(node.args[0]))
    if op == "pow":
        return _power(_surd(node.args[0]), constant(node.args[1]))
    if op not in ("add", "mul", "neg", "inv"):
        raise NotSurd
    parts = [_surd(arg) for arg in node.args]
    if op == "neg":
        return {root: -factor for root, factor in parts[0].items()}
    if op == "inv":
        return _inverse(parts[0])
    total = parts[0]
    for part in parts[1:]:
        total = _sum(total, part) if op == "add" else _product(total, part)
    return total


def _rational(value: Fraction) -> Surd:
    return {1: value} if value else {}


def _sum(one: Surd, two: Surd) -> Surd:
    total = dict(one)
    for root, factor in two.items():
        total[root] = total.get(root, Fraction(0)) + factor
    return _checked(total)


def _product(one: Surd, two: Surd) -> Surd:
    total: Surd = {}
    for root, factor in one.items():
        for other, times in two.items():
            square, free = _split(root * other)
            total[free] = total.get(free, Fraction(0)) + factor * times * square
    return _checked(total)


def _checked(total: Surd) -> Surd:
    kept = {root: factor for root, factor in total.items() if factor}
    large = any(max(f.numerator.bit_length(), f.denominator.bit_length()) > MAX_BITS for f in kept.values())
    if large or len(kept) > MAX_TERMS:
        raise NotSurd
    return kept


def _inverse(value: Surd) -> Surd:
    """Return one over a sum of at most two roots, by its conjugate. ZeroDivisionError for zero."""
    if not value:
        raise ZeroDivisionError
    if len(value) > 2:
        raise NotSurd
    conjugate = {root: factor if at == 0 else -factor for at, (root, factor) in enumerate(value.items())}
    norm = _product(value, conjugate)[1]  # a^2 p - b^2 q, which is not zero
    return _checked({root: factor / norm for root, factor in conjugate.items()})


def _power(base: Surd, exponent: Fraction | None) -> Surd:
    if exponent == HALF:
        return _root(base)
    if exponent is None or exponent.denominator != 1 or abs(exponent) > MAX_POWER:
        raise NotSurd
    base = _inverse(base) if exponent < 0 else base
    power = _rational(Fraction(1))
    for _ in range(abs(int(exponent))):
        power = _product(power, base)
    return power


def _root(value: Surd) -> Surd:
    """Return the square root of a positive rational."""
    if set(value) - {1} or value.get(1, Fraction(0)) < 0:
        raise NotSurd
    radicand = value.get(1, Fraction(0))
    if not radicand:
        return {}
    square, free = _split(radicand.numerator * radicand.denominator)
    return {free: Fraction(square, radicand.denominator)}


@lru_cache(maxsize=4096)
def _split(number: int) -> tuple[int, int]:
    """Return (s, f) with number = s^2 f and f square-free: what is left beyond its cube root is p, pq or p^2."""
    if number > MAX_RADICAND:
        raise NotSurd
    square, free, factor = 1, 1, 2
    while factor * factor * factor <= number:
        times = 0
        while number % factor == 0:
            number, times = number // factor, times + 1
        square, free = square * factor ** (times // 2), free * factor ** (times % 2)
        factor += 1
    root = isqrt(number)
    return (square * root, free) if root * root == number else (square, free * number)
