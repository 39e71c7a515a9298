"""Ratios a : b : c, up to a common factor; beside them, a fraction is a ratio of two."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.equivalence.comparing.relations import is_equation
from tasks.domain.equivalence.comparing.step import Comparing
from tasks.domain.equivalence.nodes import Node, divided
from tasks.domain.equivalence.values.numeric import exact


def same_ratios(c: Comparing, gold: Node, answer: Node) -> bool:
    if both_clock(c, gold, answer):
        return False
    one, two = (side.args if side.op == "ratio" else () for side in (gold, answer))
    if one and two:
        same = len(one) == len(two) and proportional(c, one, two)
    else:
        ratio, other = (one, answer) if one else (two, gold)
        same = len(ratio) == 2 and c.same(divided(*ratio), other)
    return same and c.found("ratio")


def proportional(c: Comparing, gold: Sequence[Node], answer: Sequence[Node]) -> bool:
    if any(exact(part) == 0 for part in (*gold, *answer)):
        return all(map(c.same, gold, answer))
    pairs = list(zip(gold, answer, strict=True))[1:]
    return all(c.same(divided(g, gold[0]), divided(a, answer[0])) for g, a in pairs)


def both_clock(c: Comparing, gold: Node, answer: Node) -> bool:
    return "c" in c.hints.flags and gold.op == answer.op == "ratio"


def of_quotients(node: Node) -> Node:
    """a : b = 2 : 5 as an equation of fractions."""
    if not is_equation(node) or not any(side.op == "ratio" for side in node.args):
        return node
    sides = (divided(*side.args) if side.op == "ratio" and len(side.args) == 2 else side for side in node.args)
    return Node("rel", tuple(sides), node.value)
