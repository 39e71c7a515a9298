"""Identities between rational functions, decided modulo primes.

Both sides are evaluated at fixed pseudo-random residues. By the Schwartz-Zippel lemma two different rational functions of
degree d agree at such a point with a chance of at most d / p, below 2^-40 for all that passes the limits; equal ones agree
everywhere. pi and e are transcendental and stand as symbols of their own; i is a square root of -1, which both primes have.
Sines and cosines of sums of rational multiples of symbols, and of pi, are rational in powers of e^{ix/12} and in a root of unity.
"""

from __future__ import annotations

import zlib
from fractions import Fraction
from functools import lru_cache

from tasks.domain.equivalence.nodes import Node, symbols

PRIMES = (2**64 - 2**32 + 1, 2**224 - 2**96 + 1)  # both are 1 modulo 4
ROOTS_OF_MINUS_ONE = tuple(pow(base, (prime - 1) // 4, prime) for base, prime in zip((7, 11), PRIMES, strict=True))
# Roots of unity of order 24 whose sixth powers are these: e^{i pi / 12}.
TWENTY_FOURTHS = tuple(
    next(
        root
        for base in range(2, 100)
        if pow(root := pow(base, (prime - 1) // 24, prime), 6, prime) == i and pow(root, 8, prime) != 1
    )
    for i, prime in zip(ROOTS_OF_MINUS_ONE, PRIMES, strict=True)
)
TURN = 12  # parts of a symbol, and of pi, whose multiples are angles
MAX_TURNS = 10_000
CIRCULAR = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
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
    if node.op == "fn" and node.value in CIRCULAR and len(node.args) == 1:
        return _circular(node, which, point)
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


def _circular(node: Node, which: int, point: int) -> int:
    """A function of an angle, by sin x = (z - 1/z) / 2i and cos x = (z + 1/z) / 2 with z = e^{ix}."""
    prime, turned = PRIMES[which], 1
    for name, size in _angle(node.args[0]).items():
        turns = size * TURN
        if turns.denominator != 1 or abs(turns) > MAX_TURNS:
            raise NoResidue("angle")
        unit = TWENTY_FOURTHS[which] if name == r"\pi" else _spread(f"angle {name}", which, point)
        turned = turned * pow(unit, int(turns), prime) % prime
    back = pow(turned, -1, prime)
    cosine = (turned + back) * pow(2, -1, prime)
    sine = (turned - back) * pow(2 * ROOTS_OF_MINUS_ONE[which], -1, prime)
    if node.value in ("sin", "cos"):
        return (sine if node.value == "sin" else cosine) % prime
    top, bottom = {"tan": (sine, cosine), "cot": (cosine, sine), "sec": (1, cosine), "csc": (1, sine)}[node.value]
    return top * pow(bottom, -1, prime) % prime


def _angle(node: Node) -> dict[str, Fraction]:
    """The rational coefficients of an angle that is a sum of multiples of symbols and of pi."""
    if node.op == "sym" and node.value not in ("e", "i"):
        return {node.value: Fraction(1)}
    if node.op in ("add", "neg"):
        total: dict[str, Fraction] = {}
        for arg in node.args:
            for name, size in _angle(arg).items():
                total[name] = total.get(name, Fraction(0)) + (size if node.op == "add" else -size)
        return total
    if node.op == "mul":
        sizes = [(arg, constant(arg)) for arg in node.args]
        others = [arg for arg, size in sizes if size is None]
        factor = _product([size for _, size in sizes if size is not None])
        if len(others) == 1 and factor is not None:
            return {name: size * factor for name, size in _angle(others[0]).items()}
    raise NoResidue("angle")


def whole(node: Node) -> int | None:
    """Return the value of a constant whole-number expression of moderate size, such as an exponent; None for others."""
    value = constant(node)
    return int(value) if value is not None and value.denominator == 1 else None


def constant(node: Node) -> Fraction | None:
    """Return the value of a constant rational expression of moderate size; None for others."""
    if node.op in ("num", "dec"):
        found: Fraction = node.value if node.op == "num" else node.args[0].value
        return found
    if node.op not in ("add", "mul", "neg", "inv", "pow"):
        return None
    parts = [part for part in map(constant, node.args) if part is not None]
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
    if value.denominator == 1:
        return int(value.numerator % prime)
    return int(value.numerator * pow(value.denominator, -1, prime) % prime)


def _factorial(node: Node, prime: int) -> int:
    value = whole(node)
    if value is None or not 0 <= value <= MAX_FACTORIAL:
        raise NoResidue("factorial")
    product = 1
    for factor in range(2, value + 1):
        product = product * factor % prime
    return product


@lru_cache(maxsize=4096)
def _spread(name: str, which: int, point: int) -> int:
    """A residue for a symbol: fixed, so that verdicts repeat, and spread over the whole range."""
    total = 0
    for part in range(8):
        total = total << 32 | zlib.crc32(f"{name}@{point}.{part}".encode("utf-8", "surrogatepass"))
    return total % PRIMES[which]


def _has_constant(node: Node) -> bool:
    return (node.op == "sym" and node.value in ("e", r"\pi")) or any(map(_has_constant, node.args))
