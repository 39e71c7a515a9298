"""Sums with dots in them: known by their ends, and added up where the step shows."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from tasks.domain.equivalence.nodes import Node, added, divided, number, times


def elided(node: Node) -> Node:
    """a + b + ... + z, known by its two ends, so that it may be written in either direction."""
    if node.op != "add" or Node("dots") not in node.args or node.args[-1].op == "dots":
        return node
    if (total := arithmetic_series(node)) is not None:
        return total
    ends = sorted(repr(end) for end in (node.args[0], node.args[-1]))
    return Node("opaque", (), "+...+".join(ends))


def arithmetic_series(node: Node) -> Node | None:
    """Return the value of 1 + 2 + ... + n: equal steps of one, or at least three terms that show the step; None for others."""
    terms = node.args if node.args[0].op == "num" else node.args[::-1]
    at = terms.index(Node("dots"))
    first = [term.value for term in terms[:at] if term.op == "num"]
    steps = {b - a for a, b in pairwise(first)}
    if at != len(first) or len(terms) != at + 2 or len(steps) != 1 or not (steps == {1} or (0 not in steps and at > 2)):
        return None
    last, step = terms[-1], number(next(iter(steps)))
    count = added(divided(added(last, number(-first[0])), step), number(1))
    return times(count, added(number(first[0]), last), number(Fraction(1, 2)))
