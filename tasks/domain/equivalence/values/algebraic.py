"""A proof that a constant made of roots, or of sines and cosines of rational angles, is zero.

Such a number is algebraic. It is either zero or at least a bound away from it that follows from how it is written:
C. Burnikel, R. Fleischer, K. Mehlhorn, S. Schirra, "A strong and easily computable separation bound for arithmetic
expressions involving radicals" (Algorithmica 27, 2000). Evaluating it beyond that bound decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from tasks.domain.equivalence.nodes import Node, added, negated
from tasks.domain.equivalence.values.arithmetic import NotNumeric, digits
from tasks.domain.equivalence.values.evaluation import Evaluation
from tasks.domain.equivalence.values.residues import whole

MAX_BITS = 12_000  # of working precision: 3 ms
MAX_INDEX = 60  # of a root, and denominator of an angle
ROOT_OF_UNITY = Node("fn", (), "root of unity")  # one field holds all angles of an expression


class NotAlgebraic(Exception):
    """The expression has other parts, or the bound is out of reach."""


@dataclass(frozen=True)
class Size:
    """log2 of u and l: every conjugate is a quotient of algebraic integers, at most u above and l below."""

    upper: float
    lower: float


def is_zero(node: Node) -> bool | None:
    """Whether a constant is zero, rigorously; None when it is not (known to be) algebraic or the bound is too small."""
    degrees: dict[Node, int] = {}
    try:
        size = _size(node, degrees)
        degree = math.prod(totient(order) if key == ROOT_OF_UNITY else order for key, order in degrees.items())
        bits = (degree - 1) * size.upper + size.lower
        if bits > MAX_BITS:
            return None
        value = Evaluation(digits(int((bits + max(0.0, size.upper) + 80) * 0.302) + 20)).value(node)
    except (NotAlgebraic, NotNumeric, OverflowError):
        return None
    import mpmath

    return bool(abs(value) < mpmath.mpf(2) ** -(int(bits) + 2))


def totient(order: int) -> int:
    """Return the degree of the field of the roots of unity of this order."""
    return sum(math.gcd(order, k) == 1 for k in range(1, order + 1))


def same(one: Node, two: Node) -> bool | None:
    return is_zero(added(one, negated(two)))


def _size(node: Node, degrees: dict[Node, int]) -> Size:
    if node.op in ("num", "dec"):
        value: Fraction = node.value if node.op == "num" else node.args[0].value
        return Size(math.log2(abs(value.numerator) or 1), math.log2(value.denominator))
    if node.op == "sym" and node.value == "i":
        degrees[node] = 2
        return Size(0.0, 0.0)
    if node.op == "pow":
        return _power(node, degrees)
    if node.op == "fn":
        return _function(node, degrees)
    if node.op not in ("add", "mul", "neg", "inv"):
        raise NotAlgebraic(node.op)
    return _combined(node.op, [_size(arg, degrees) for arg in node.args])


def _combined(op: str, parts: list[Size]) -> Size:
    if op == "neg":
        return parts[0]
    if op == "inv":
        return Size(parts[0].lower, parts[0].upper)
    total = parts[0]
    for part in parts[1:]:
        above = total.upper + part.upper
        if op == "add":
            above = max(total.upper + part.lower, total.lower + part.upper) + 1
        total = Size(above, total.lower + part.lower)
    return total


def _power(node: Node, degrees: dict[Node, int]) -> Size:
    base, power = node.args
    exponent = _fraction(power)
    if exponent is None or exponent.denominator > MAX_INDEX:
        raise NotAlgebraic("exponent")
    size = _size(base, degrees)
    if exponent.denominator != 1:
        size = _root(size, exponent.denominator)
        degrees[Node("pow", (base,), exponent.denominator)] = exponent.denominator
    times = abs(exponent.numerator)
    size = Size(size.upper * times, size.lower * times)
    return size if exponent >= 0 else Size(size.lower, size.upper)


def _fraction(node: Node) -> Fraction | None:
    if node.op == "mul" and node.args[-1].op == "inv" and len(node.args) == 2:
        top, bottom = whole(node.args[0]), whole(node.args[1].args[0])
        return Fraction(top, bottom) if top is not None and bottom else None
    if node.op == "neg":
        inner = _fraction(node.args[0])
        return -inner if inner is not None else None
    if node.op == "inv":
        bottom = whole(node.args[0])
        return Fraction(1, bottom) if bottom else None
    if node.op in ("num", "dec"):
        found: Fraction = node.value if node.op == "num" else node.args[0].value
        return found
    value = whole(node)
    return None if value is None else Fraction(value)


def _function(node: Node, degrees: dict[Node, int]) -> Size:
    if node.value == "sqrt":
        index = 2 if len(node.args) == 1 else whole(node.args[1])
        if index is None or not 2 <= index <= MAX_INDEX:
            raise NotAlgebraic("index")
        size = _size(node.args[0], degrees)
        degrees[Node("pow", (node.args[0],), index)] = index
        return _root(size, index)
    if node.value in ("sin", "cos", "tan", "cot", "sec", "csc"):
        return _trigonometric(node, degrees)
    raise NotAlgebraic(node.value)


def _root(size: Size, index: int) -> Size:
    if size.upper >= size.lower:
        return Size((size.upper + (index - 1) * size.lower) / index, size.lower)
    return Size(size.upper, ((index - 1) * size.upper + size.lower) / index)


def _trigonometric(node: Node, degrees: dict[Node, int]) -> Size:
    """2 cos of a rational multiple of pi is a sum of two roots of unity: an algebraic integer of size at most 2."""
    turns = _half_turns(node.args[0])
    if turns is None or turns.denominator > MAX_INDEX:
        raise NotAlgebraic("angle")
    if (turns * 2).denominator == 1 and node.value not in ("sin", "cos"):
        raise NotAlgebraic("a pole, perhaps")
    degrees[ROOT_OF_UNITY] = math.lcm(4, 2 * turns.denominator, degrees.get(ROOT_OF_UNITY, 1))
    sine = Size(1.0, 1.0)
    return sine if node.value in ("sin", "cos") else _combined("mul", [sine, _combined("inv", [sine])])


def _half_turns(node: Node) -> Fraction | None:
    """q of an angle q pi; degrees are 180ths."""
    if node.op == "deg":
        value = _fraction(node.args[0])
        return None if value is None else value / 180
    if node == Node("sym", (), r"\pi"):
        return Fraction(1)
    if node.op == "neg":
        inner = _half_turns(node.args[0])
        return None if inner is None else -inner
    if node.op == "mul":
        with_pi = [arg for arg in node.args if _half_turns(arg) is not None]
        others = [_fraction(arg) for arg in node.args if _half_turns(arg) is None]
        if len(with_pi) != 1 or None in others:
            return None
        return math.prod((part for part in others if part is not None), start=_half_turns(with_pi[0]) or Fraction(0))
    return Fraction(0) if whole(node) == 0 else None
