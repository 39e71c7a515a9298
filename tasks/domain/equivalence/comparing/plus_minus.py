"""Values that are several: what plus-minus signs stand for."""

from __future__ import annotations

from itertools import product

from tasks.domain.equivalence.comparing.step import Comparing
from tasks.domain.equivalence.nodes import Node, has, signed, walk

MAX_SIGNS = 4  # plus-minus signs in one tuple


def same_signs(c: Comparing, gold: Node, answer: Node) -> bool:
    tied = has(gold, "mp") or has(answer, "mp")  # their signs go together
    for read in (alternatives,) if tied else (alternatives, independent):
        one, two = (Node("list", tuple(read(side))) if has(side, "pm", "mp") else side for side in (gold, answer))
        if c.same(one, two):
            return True
    return False


def alternatives(node: Node) -> list[Node]:
    """Return both readings of an expression with plus-minus signs, the signs taken together; in a list, of each item."""
    if (
        node.op in ("pm", "add")
        and not has(node, "mp")
        and 1 < sum(part.op == "pm" for part in walk(node)) <= MAX_SIGNS
    ):
        return _spread(node)
    if node.op not in ("list", "set"):
        return [signed(node, 1), signed(node, -1)]
    return [reading for item in node.args for reading in (alternatives(item) if has(item, "pm", "mp") else [item])]


def _spread(node: Node) -> list[Node]:
    """+-1 +- sqrt 2 as its four values."""
    read = [Node(node.op, args, node.value) for args in product(*map(_spread, node.args))]
    return [signed(one, sign) for one in read for sign in (1, -1)] if node.op == "pm" else read


def independent(node: Node) -> list[Node]:
    """Return (+-1, +-2) as four points: the signs of a tuple's parts are taken each by itself."""
    if node.op != "tuple" or sum(has(part, "pm", "mp") for part in node.args) < 2 or len(node.args) > MAX_SIGNS:
        return alternatives(node)
    parts = [alternatives(part) if has(part, "pm", "mp") else [part] for part in node.args]
    return [Node("tuple", chosen, node.value) for chosen in product(*parts)]
