"""Sets of real numbers, however they are written: intervals, unions, inequalities, set builders, single points.

A set becomes a tree of intervals. Two sets are compared by their ends: all ends are put in order, and membership is
asked at each end and between neighbours, which decides equality without tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from tasks.domain.equivalence.nodes import Node, negated, symbols
from tasks.domain.equivalence.values.arithmetic import Floats, NotNumeric
from tasks.domain.equivalence.values.evaluation import Evaluation
from tasks.domain.equivalence.values.numeric import exact, same_value

INF = Node("inf")
MINUS_INF = Node("neg", (INF,))
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
MAX_PIECES = 60


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`; a point when both are the same node and closed."""

    low: Node
    high: Node
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True)
class RealSet:
    """op: union, inter or diff of `parts`; `subject` is what the set is about (x, f(x)) when it came from a relation."""

    op: str
    parts: tuple[RealSet | Interval, ...]
    subject: Node | None = None


def real_set(node: Node) -> RealSet | None:
    """The set a node describes; None when it is no set of reals."""
    convert: Callable[[Node], RealSet | None] | None = _CONVERSIONS.get(node.op)
    return convert(node) if convert else None


def intervals(found: RealSet) -> list[Interval]:
    return [one for part in found.parts for one in ([part] if isinstance(part, Interval) else intervals(part))]


def _point(node: Node) -> Interval:
    return Interval(node, node, True, True)


def _from_tuple(node: Node) -> RealSet | None:
    if len(node.args) != 2 or node.value[0] not in "([" or node.value[-1] not in ")]" or _is_backwards(node):
        return None
    return RealSet("union", (Interval(*node.args, node.value[0] == "[", node.value[-1] == "]"),))


def _is_backwards(node: Node) -> bool:
    """(5, 3) and (3, 3) are points, never intervals with nothing in them."""
    low, high = map(_rough, node.args)
    return low is not None and high is not None and low >= high and not (low == high and node.value == "[]")


def _from_points(node: Node) -> RealSet | None:
    if any(arg.op in ("tuple", "list", "set", "text", "rel", "matrix") for arg in node.args):
        return None
    return RealSet("union", tuple(map(_point, node.args)))


def _combined(node: Node) -> RealSet | None:
    parts = [real_set(arg) for arg in node.args]
    return None if None in parts else RealSet(node.op, tuple(part for part in parts if part is not None))


def _from_builder(node: Node) -> RealSet | None:
    condition = node.args[0]
    if len(node.args) > 1 or (symbols(condition) and node.value not in symbols(condition)):
        return None  # of {x + 1 | x > 2} the condition says less than all
    found = _from_list(condition) if condition.op == "list" else real_set(condition)
    bound = found is not None and found.subject == Node("sym", (), node.value)  # {x | x > 2} is {y | y > 2}
    return RealSet(found.op, found.parts) if found is not None and bound else found


def _from_list(node: Node) -> RealSet | None:
    """x < 1 or x > 3; only of relations."""
    parts = [real_set(arg) for arg in node.args if arg.op == "rel"]
    if not parts or len(parts) != len(node.args) or None in parts:
        return None
    found = [part for part in parts if part is not None]
    if any(part.subject != found[0].subject for part in found) or all(one.value == ("=",) for one in node.args):
        return None
    both = all(part.op == "diff" for part in found) or _is_everything(RealSet("union", tuple(found)))
    return RealSet("inter" if both else "union", tuple(found), found[0].subject)  # x != 1, x != 2; x > 0, x < 5


def _is_everything(found: RealSet) -> bool:
    everything = RealSet("union", (Interval(MINUS_INF, INF, False, False),))
    return same_sets(found, everything, lambda one, two: False)


def _from_relation(node: Node) -> RealSet | None:
    operands, operators = node.args, node.value
    if "in" in operators:
        inner = real_set(operands[-1]) if operators[-1] == "in" and len(operators) == 1 else None
        return None if inner is None else RealSet(inner.op, inner.parts, operands[0])
    if any(op not in _FLIPPED for op in operators) or len(operands) > 3:
        return None
    at = next((k for k, operand in enumerate(operands) if _is_subject(operand, operands)), None)
    if at is None or (len(operands) == 3 and at != 1):
        return None
    return _bounded(operands, operators, at)


def _is_subject(operand: Node, operands: tuple[Node, ...]) -> bool:
    """The one operand the others bound: a symbol, f(x), |x|, with only constants around it (or one plain symbol)."""
    others = frozenset[str]().union(*(symbols(other) for other in operands if other is not operand))
    named = operand.op in ("sym", "call") or (
        operand.op == "fn" and operand.value == "abs" and operand.args[0].op == "sym"
    )
    return named and bool(symbols(operand)) and not symbols(operand) & others


def _bounded(operands: tuple[Node, ...], operators: tuple[str, ...], at: int) -> RealSet | None:
    low, high, low_closed, high_closed = MINUS_INF, INF, False, False
    for k, operator in enumerate(operators):
        bound = operands[k] if k < at else operands[k + 1]
        operator = _FLIPPED[operator] if k < at else operator
        if operator == "=" and len(operators) == 1 and not symbols(bound):
            return RealSet("union", (_point(bound),), operands[at])
        if operator == "!=" and len(operators) == 1:
            everything = RealSet("union", (Interval(MINUS_INF, INF, False, False),))
            return RealSet("diff", (everything, RealSet("union", (_point(bound),))), operands[at])
        if operator in ("<", "<="):
            high, high_closed = bound, operator == "<="
        elif operator in (">", ">="):
            low, low_closed = bound, operator == ">="
        else:
            return None
    return _unfolded(Interval(low, high, low_closed, high_closed), operands[at])


def _unfolded(interval: Interval, subject: Node) -> RealSet:
    """|x| in an interval, as a set of x; other subjects as they are."""
    plain = RealSet("union", (interval,), subject)
    if subject.op != "fn" or subject.args[0].op != "sym":
        return plain
    mirrored = Interval(negated(interval.high), negated(interval.low), interval.high_closed, interval.low_closed)
    low = interval.low
    inside = low == MINUS_INF or (_rough(low) or 0.0) < 0 or (exact(low) == 0 and interval.low_closed)
    if inside:
        parts: tuple[RealSet | Interval, ...] = (
            Interval(mirrored.low, interval.high, mirrored.low_closed, interval.high_closed),
        )
    else:
        parts = (mirrored, interval)
    return RealSet("union", parts, subject.args[0])


def _reals(node: Node) -> RealSet | None:
    """R, and R+ without zero."""
    low = {"R": MINUS_INF, "R+": Node("num", (), Fraction(0))}.get(node.value)
    return None if low is None else RealSet("union", (Interval(low, INF, False, False),))


_CONVERSIONS: dict[str, Callable[[Node], RealSet | None]] = {
    "tuple": _from_tuple, "set": _from_points, "union": _combined, "inter": _combined, "diff": _combined,
    "builder": _from_builder, "rel": _from_relation, "list": _from_list, "nset": _reals,
    "empty": lambda node: RealSet("union", ()),
}  # fmt: skip


def _rough(node: Node) -> float | None:
    """The end as a double, infinities included; None when it is not a real number."""
    if node.op in ("inf",) or node == MINUS_INF:
        return math.inf if node.op == "inf" else -math.inf
    if node.op == "neg" and node.args[0] == MINUS_INF:
        return math.inf
    if symbols(node):
        return None
    try:
        value = Evaluation(Floats()).value(node)
    except NotNumeric:
        return None
    return float(value) if not isinstance(value, complex) else None


def same_sets(one: RealSet, two: RealSet, same_end: Callable[[Node, Node], bool]) -> bool:
    """Decide whether two sets are equal; with symbolic ends, their pieces are compared one by one."""
    ends = [end for piece in intervals(one) + intervals(two) for end in (piece.low, piece.high)]
    if len(ends) > 2 * MAX_PIECES:
        return False
    rough = [_rough(end) for end in ends]
    if any(value is None for value in rough):
        return _same_pieces(one, two, same_end)
    ranks = _ranks(ends, [value for value in rough if value is not None])
    counter = iter(ranks)
    first, second = _ranked(one, counter), _ranked(two, counter)
    positions = [k / 2 for k in range(-1, 2 * len(ends) + 2)]
    infinite = {rank for rank, value in zip(ranks, rough, strict=True) if value is not None and math.isinf(value)}
    return all(first(x) == second(x) for x in positions if x not in infinite) and _same_infinite_ends(one, two)


def _same_infinite_ends(one: RealSet, two: RealSet) -> bool:
    """(-oo, 3] is right, [-oo, 3] is a slip; both sides must make the same."""

    def slips(found: RealSet) -> set[Node]:
        closed = [(piece.low, piece.low_closed) for piece in intervals(found)]
        closed += [(piece.high, piece.high_closed) for piece in intervals(found)]
        return {end for end, shut in closed if shut and math.isinf(_rough(end) or 0.0)}

    return slips(one) == slips(two)


def _ranks(ends: list[Node], rough: list[float]) -> list[int]:
    """The place of each end in their order; equal ends share one. Neighbours that doubles cannot tell apart are compared exactly."""
    order = sorted(range(len(ends)), key=rough.__getitem__)
    ranks, rank = [0] * len(ends), 0
    for before, at in pairwise(order):
        rank += _differ(ends[before], ends[at], rough[before], rough[at])
        ranks[at] = rank
    return ranks


def _differ(one: Node, two: Node, rough_one: float, rough_two: float) -> bool:
    if math.isinf(rough_one) or math.isinf(rough_two):
        return rough_one != rough_two
    return abs(rough_two - rough_one) > 1e-6 * max(1.0, abs(rough_two)) or not same_value(one, two)


def _ranked(found: RealSet, ranks: object) -> Callable[[float], bool]:
    """Membership as a function of the position among the ends."""
    members = [
        _interval_member(part, ranks) if isinstance(part, Interval) else _ranked(part, ranks) for part in found.parts
    ]
    if found.op == "diff":
        return lambda x: members[0](x) and not any(member(x) for member in members[1:])
    if found.op == "inter":
        return lambda x: all(member(x) for member in members)
    return lambda x: any(member(x) for member in members)


def _interval_member(piece: Interval, ranks: object) -> Callable[[float], bool]:
    low, high = next(ranks), next(ranks)  # type: ignore[call-overload]

    def member(x: float) -> bool:
        return (low < x or (piece.low_closed and x == low)) and (x < high or (piece.high_closed and x == high))

    return member


def _same_pieces(one: RealSet, two: RealSet, same_end: Callable[[Node, Node], bool]) -> bool:
    left, right = intervals(one), intervals(two)
    if len(left) != len(right) or _shape(one) != _shape(two):
        return False
    for piece in left:
        match = next((other for other in right if _same_interval(piece, other, same_end)), None)
        if match is None:
            return False
        right.remove(match)
    return True


def _shape(found: RealSet) -> tuple[str, ...]:
    return tuple(
        sorted(
            [found.op] * (found.op != "union")
            + [op for part in found.parts if isinstance(part, RealSet) for op in _shape(part)]
        )
    )


def _same_interval(one: Interval, two: Interval, same_end: Callable[[Node, Node], bool]) -> bool:
    if (one.low_closed, one.high_closed) != (two.low_closed, two.high_closed):
        return False
    return same_end(one.low, two.low) and same_end(one.high, two.high)
