"""Sums with dots in them: known by their ends, and added up where the step shows."""

from __future__ import annotations

import re
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
    return Node("opaque", (), "+...+".join(ends) + _step(node.args))


_INDEX = re.compile(r"\{?([a-zA-Z]?)([+-]?\d*)\}?")


def _step(terms: tuple[Node, ...]) -> str:
    """By how much the index (or the power) grows from the lower end, where the first two terms show it: a_k + a_{k-1} + ... + a_0
    grows by one, and no a_k + a_{k+1} + ... + a_0."""
    indices = [_index(term) for term in (*terms[:2], terms[-1])]
    if len(terms) < 4 or None in indices:
        return ""
    first, second, last = (index for index in indices if index is not None)
    if first[0] != second[0]:
        return ""
    rises = first[0] == "" or (last[0] == first[0] and last[1] > first[1])
    return f" by {(second[1] - first[1]) * (1 if rises else -1)}"


def _index(term: Node) -> tuple[str, int] | None:
    """The letter and the number of an index or a power: of a_{k-1} k and -1; None for other terms."""
    if term.op == "num":
        return ("", 0) if term.value == 1 else None
    if term.op == "sym":
        _, mark, under = term.value.partition("_")
        found = _INDEX.fullmatch(under)
        if not mark:
            return "", 1
        return (
            (found[1], int(found[2] or "0"))
            if found and (found[1] or found[2]) and found[2] not in ("+", "-")
            else None
        )
    power = term.args[1] if term.op == "pow" else None
    parts = power.args if power and power.op == "add" else (power,) if power else ()
    letters = [part.value for part in parts if part.op == "sym"]
    numbers = [part.value for part in parts if part.op == "num" and part.value.denominator == 1]
    if not parts or len(letters) > 1 or len(letters) + len(numbers) != len(parts):
        return None
    return "".join(letters), int(sum(numbers))


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
