"""One thing in two shapes: a = b = c and (t, t, t), the point P(1, 2) and (1, 2), I and its matrix."""

from __future__ import annotations

import re

from tasks.domain.equivalence.comparing.relations import is_equation, name_and_value
from tasks.domain.equivalence.comparing.step import Comparing
from tasks.domain.equivalence.nodes import ONE, ZERO, Node
from tasks.domain.equivalence.words.phrases import canonical

_IDENTITY = re.compile(r"[IE](?:_\{?(?P<size>\d)\}?)?")
_POINT = re.compile(r"[A-Z](?:_\{?\w\}?|')?")


def is_chain_and_tuple(c: Comparing, gold: Node, answer: Node) -> bool:
    return any(_is_chain(one) and _tuple_of(two) is not None for one, two in ((gold, answer), (answer, gold)))


def same_chain_and_tuple(c: Comparing, gold: Node, answer: Node) -> bool:
    """Letters that are all equal, and a tuple that has one free letter in each place."""
    chain, other = (gold, answer) if _is_chain(gold) else (answer, gold)
    held = _tuple_of(other)
    if held is None or len(held.args) != len(chain.args) or len(set(held.args)) != 1 or held.args[0].op != "sym":
        return False
    named = name_and_value(other) if other.op == "rel" else None
    return (named is None or set(named[0].args) == set(chain.args)) and c.found("equal letters")


def _is_chain(node: Node) -> bool:
    letters = node.op == "rel" and is_equation(node) and all(arg.op == "sym" for arg in node.args)
    return letters and "~" not in node.value and len(set(node.args)) == len(node.args)


def _tuple_of(node: Node) -> Node | None:
    """(t, t, t), bare or as the value of (a, b, c)."""
    value = node
    if (
        node.op == "rel"
        and is_equation(node)
        and (named := name_and_value(node)) is not None
        and named[0].op == "tuple"
    ):
        value = named[1]
    return value if value.op == "tuple" and value.value == "()" else None


def is_point_and_tuple(c: Comparing, gold: Node, answer: Node) -> bool:
    point = gold if gold.op == "call" else answer
    return {gold.op, answer.op} == {"call", "tuple"} and len(point.args) > 1 and bool(_POINT.fullmatch(point.value))


def same_point_and_tuple(c: Comparing, gold: Node, answer: Node) -> bool:
    one, two = (Node("tuple", side.args, "()") if side.op == "call" else side for side in (gold, answer))
    return c.same(one, two)


def is_matrix_and_name(c: Comparing, gold: Node, answer: Node) -> bool:
    return "matrix" in (gold.op, answer.op) and bool({gold.op, answer.op} & {"sym", "text"})


def same_matrix_and_name(c: Comparing, gold: Node, answer: Node) -> bool:
    """The identity matrix by its letter, or in words."""
    matrix, name = (gold, answer) if gold.op == "matrix" else (answer, gold)
    size = matrix.value
    if len(matrix.args) != size * size:
        return False
    entries = tuple(ONE if at // size == at % size else ZERO for at in range(size * size))
    letter = _IDENTITY.fullmatch(name.value) if name.op == "sym" else None
    named = letter is not None and letter["size"] in (None, str(size))
    worded = name.op == "text" and canonical(name.value) in ("identity matrix", "identity")
    return (named or worded) and all(map(c.same, matrix.args, entries)) and c.found("matrix")
