"""An answer without what carries no meaning: lists of one item, remarks beside it, units behind a collection."""

from __future__ import annotations

from tasks.domain.equivalence.comparing.conditions import condition_of, is_remark, without_remarks
from tasks.domain.equivalence.comparing.lists import COLLECTIONS
from tasks.domain.equivalence.comparing.quantities import text_value
from tasks.domain.equivalence.comparing.relations import is_equation, name_and_value
from tasks.domain.equivalence.nodes import Node, symbols
from tasks.domain.equivalence.sets.builders import unbuilt, whole_points
from tasks.domain.equivalence.sets.dots import DOTS, spelled_out


def settled(node: Node) -> Node:
    """Without wrappers that carry no meaning: one-item lists, remarks on where parameters come from."""
    if node.op == "text":
        return text_value(node)
    if node.op == "rel" and node.value == ("in",) and node.args[1].op == "set":  # x in {2, 3}
        return node.args[1]
    if node.op == "builder" and (simpler := unbuilt(node)) is not node:
        return settled(simpler)
    if node.op in ("list", "set") and DOTS in node.args:
        node = Node(node.op, spelled_out(_values(node.args)), node.value)
    if node.op == "list":
        main = _settled_list(node)
        return _points(main) or main if main.op == "given" else main
    if node.op == "given" and (points := _points(node)) is not None:
        return points
    if node.op == "given" and not condition_of(node).stated:
        return settled(node.args[0])
    if node.op == "unit" and node.args[0].op in (*COLLECTIONS, "rel", "ratio", "union", "matrix", "text"):
        return settled(node.args[0])
    if (
        node.op == "rel"
        and node.value[-1] in ("=", "~")
        and node.args[-1].op == "unit"
        and node.args[-1].args[0].op in COLLECTIONS
    ):
        return Node("rel", (*node.args[:-1], node.args[-1].args[0]), node.value)
    return node


def _values(items: tuple[Node, ...]) -> tuple[Node, ...]:
    """The first of n = 3, 4, 5, ... without its name."""
    first = name_and_value(items[0]) if items[0].op == "rel" and is_equation(items[0]) else None
    return (first[1], *items[1:]) if first is not None and first[1].op == "num" else items


def _points(node: Node) -> Node | None:
    """-2 <= x < 2 where x is whole, as the set it is."""
    members = tuple(part for part in node.args[1:] if is_remark(part))
    relation = node.args[0]
    if len(members) != len(node.args) - 1 or node.value or relation.op != "rel" or is_equation(relation):
        return None
    return (
        whole_points((relation,), members) if members[:1] and symbols(relation) == symbols(members[0].args[0]) else None
    )


def opened(node: Node) -> Node:
    """Return the tree with all intervals' ends open."""
    args = tuple(map(opened, node.args))
    if node.op == "tuple" and len(args) == 2:
        return Node("tuple", args, "()")
    value = tuple({"<=": "<", ">=": ">"}.get(one, one) for one in node.value) if node.op == "rel" else node.value
    return Node(node.op, args, value)


def _settled_list(node: Node) -> Node:
    """One item, or several; remarks beside them, or behind the last, hold for all of them."""
    items, remarks = without_remarks(node.args)
    if not items:
        return node
    if items[-1].op == "given" and not any(item.op == "given" for item in items[:-1]) and len(items) > 1:
        last = items[-1]
        if not condition_of(last).restrictive:
            items, remarks = (*items[:-1], last.args[0]), (Node("given", last.args, last.value), *remarks)
    main = settled(items[0]) if len(items) == 1 else Node("list", items)
    for remark in remarks:
        formulas, said = (remark.args[1:], remark.value) if remark.op == "given" else ((remark,), ())
        main = (
            Node("given", (main, *formulas), said)
            if main.op != "given"
            else Node("given", (*main.args, *formulas), (*main.value, *said))
        )
    return main
