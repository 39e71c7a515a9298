"""Set-builders that say more simply what they hold: the values of a formula, an interval for each k, a few whole numbers."""

from __future__ import annotations

import math
from fractions import Fraction

from tasks.domain.equivalence.nodes import Node, number, symbol, symbols
from tasks.domain.equivalence.sets.realsets import Interval, real_set
from tasks.domain.equivalence.values.numeric import exact

MAX_POINTS = 60
WHOLE = {"Z": None, "Z^+": 1, "Z_+": 1, "Z^{+}": 1, "N^*": 1, "N_+": 1, "N^+": 1, "N": 0}


def unbuilt(node: Node) -> Node:
    """{x | x = 2k, k in Z} as 2k where k is whole; {x in Z | 0 < x < 3} as {1, 2}; other sets as they are."""
    condition = node.args[0]
    parts = condition.args if condition.op == "list" else (condition,)
    subject = node.args[1] if len(node.args) > 1 else symbol(node.value)
    members = tuple(part for part in parts if _is_member(part))
    others = tuple(part for part in parts if part not in members)
    elsewhere = tuple(part for part in members if part.args[0] != subject)
    if not members or (len(others) > 1 and elsewhere):
        return node
    if not others:
        return Node("given", (subject, *members), ()) if subject.op not in ("sym", "tuple", "list") else node
    if elsewhere:
        held = _formula(others[0], subject)
        return Node("given", (held, *elsewhere), ()) if held is not None else node
    return whole_points(others, members) or node


def whole_points(relations: tuple[Node, ...], members: tuple[Node, ...]) -> Node | None:
    """The whole numbers within bounds, as a set; None when there are too many, or the bounds are not numbers."""
    domain = next((part.args[1].value for part in members), None)
    if domain not in WHOLE:
        return None
    found = real_set(relations[0] if len(relations) == 1 else Node("list", relations))
    if found is None or found.op != "union" or not all(isinstance(part, Interval) for part in found.parts):
        return None
    points = [_within(part, WHOLE[domain], domain == "N") for part in found.parts if isinstance(part, Interval)]
    if None in points:
        return None
    every = sorted({point for some in points if some is not None for point in some})
    return Node("set", tuple(map(number, every))) if len(every) <= MAX_POINTS else None


def _within(piece: Interval, least: int | None, zero_is_open: bool) -> range | None:
    low, high = exact(piece.low), exact(piece.high)
    if high is None or (low is None and (least is None or zero_is_open)):
        return None
    first = least or 0 if low is None else _first(low, piece.low_closed)
    if zero_is_open and first < 1:  # whether zero is a natural number is not known
        return None
    first = first if least is None else max(first, least)
    last = math.floor(high) if piece.high_closed or high.denominator != 1 else int(high) - 1
    return range(first, last + 1) if last - first < MAX_POINTS else None


def _first(low: Fraction, closed: bool) -> int:
    return math.ceil(low) if closed or low.denominator != 1 else int(low) + 1


def _formula(relation: Node, subject: Node) -> Node | None:
    """The right side of x = 2k, or the interval of 2k < x < 2k + 1."""
    if relation.op != "rel" or subject.op != "sym" or subject not in relation.args:
        return None
    if relation.value == ("=",) and relation.args[0] == subject and subject.value not in symbols(relation.args[1]):
        return relation.args[1]
    chain = len(relation.args) == 3 and relation.args[1] == subject
    if chain and set(relation.value) <= {"<", "<="}:
        brackets = ("[" if relation.value[0] == "<=" else "(") + ("]" if relation.value[1] == "<=" else ")")
        return Node("tuple", (relation.args[0], relation.args[2]), brackets)
    return None


def _is_member(part: Node) -> bool:
    return part.op == "rel" and part.value == ("in",) and part.args[1].op == "nset"
