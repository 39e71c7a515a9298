"""Identities between rational functions, decided modulo primes.

Both sides are evaluated at fixed pseudo-random residues. By the Schwartz-Zippel lemma two different rational functions of
degree d agree at such a point with a chance of at most d / p, below 2^-40 for all that passes the limits; equal ones agree
everywhere. pi and e are transcendental and stand as symbols of their own; i is a square root of -1, which both primes have.
"""

from __future__ import annotations

import zlib
from fractions import Fraction

from tasks.domain.equivalence.nodes import Node, symbols

PRIMES = (2**64 - 2**32 + 1, 2**224 - 2**96 + 1)  # both are 1 modulo 4
ROOTS_OF_MINUS_ONE = tuple(pow(base, (prime - 1) // 4, prime) for base, prime in zip((7, 11), PRIMES, strict=True))
MAX_FACTORIAL = 20_000
MAX_EXPONENT_BITS = 40_000
POINTS = 2


class NoResidue(Exception):
    """The tree is no rational function, an exponent is too large, or a denominator vanishes."""


def same_rational(one: Node, two: Node) -> bool | None:
    """Whether two rational functions are the same; None when one of them is none."""
    points = POINTS if symbols(one) or symbols(two) or _has_constant(one) or _has_constant(two) else 1
    try:
        return all(
            residue(one, which, point) == residue(two, which, point) for which in (0, 1) for point in range(points)
        )
    except (NoResidue, ValueError):  # ValueError: no inverse
        return None


def residue(node: Node, which: int, point: int) -> int:
    """The value of a rational function modulo a prime, where each symbol has a residue of its own."""
    prime = PRIMES[which]
    if node.op in ("num", "dec"):
        return _fraction(node.value if node.op == "num" else node.args[0].value, prime)
    if node.op == "sym":
        return ROOTS_OF_MINUS_ONE[which] if node.value == "i" else _spread(node.value, which, point)
    if node.op == "pow":
        return pow(residue(node.args[0], which, point), _exponent(node.args[1]), prime)
    if node.op == "fn" and node.value == "factorial":
        return _factorial(node.args[0], prime)
    if node.op not in ("add", "mul", "neg", "inv"):
        raise NoResidue(node.op)
    return _combined(node.op, [residue(arg, which, point) for arg in node.args], prime)


def _combined(op: str, parts: list[int], prime: int) -> int:
    if op == "add":
        return sum(parts) % prime
    if op in ("neg", "inv"):
        return -parts[0] % prime if op == "neg" else pow(parts[0], -1, prime)
    product = 1
    for part in parts:
        product = product * part % prime
    return product


def whole(node: Node) -> int | None:
    """Return the value of a constant whole-number expression of moderate size, such as an exponent; None for others."""
    value = _constant(node)
    return int(value) if value is not None and value.denominator == 1 else None


def _constant(node: Node) -> Fraction | None:
    if node.op in ("num", "dec"):
        found: Fraction = node.value if node.op == "num" else node.args[0].value
        return found
    if node.op not in ("add", "mul", "neg", "inv", "pow"):
        return None
    parts = [part for part in map(_constant, node.args) if part is not None]
    if len(parts) != len(node.args):
        return None
    if node.op == "add":
        return sum(parts, Fraction(0))
    if node.op == "neg":
        return -parts[0]
    if node.op == "inv":
        return 1 / parts[0] if parts[0] else None
    return _power(*parts) if node.op == "pow" else _product(parts)


def _product(parts: list[Fraction]) -> Fraction | None:
    product = Fraction(1)
    for part in parts:
        product *= part
        if max(product.numerator.bit_length(), product.denominator.bit_length()) > MAX_EXPONENT_BITS:
            return None
    return product


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    fits = exponent.denominator == 1 and abs(exponent) * bits <= MAX_EXPONENT_BITS and (base or exponent >= 0)
    return base ** int(exponent) if fits else None


def _exponent(node: Node) -> int:
    value = whole(node)
    if value is None:
        raise NoResidue("exponent")
    return value


def _fraction(value: Fraction, prime: int) -> int:
    return int(value.numerator * pow(value.denominator, -1, prime) % prime)


def _factorial(node: Node, prime: int) -> int:
    value = whole(node)
    if value is None or not 0 <= value <= MAX_FACTORIAL:
        raise NoResidue("factorial")
    product = 1
    for factor in range(2, value + 1):
        product = product * factor % prime
    return product


def _spread(name: str, which: int, point: int) -> int:
    """A residue for a symbol: fixed, so that verdicts repeat, and spread over the whole range."""
    total = 0
    for part in range(8):
        total = total << 32 | zlib.crc32(f"{name}@{point}.{part}".encode("utf-8", "surrogatepass"))
    return total % PRIMES[which]


def _has_constant(node: Node) -> bool:
    return (node.op == "sym" and node.value in ("e", r"\pi")) or any(map(_has_constant, node.args))
