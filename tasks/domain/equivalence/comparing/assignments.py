"""Values by name: x = 1, y = 2, and what the names say of the order and of what belongs to what."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.equivalence.comparing.relations import is_equation, is_name, name_and_value
from tasks.domain.equivalence.nodes import Node


def named_values(items: Sequence[Node]) -> dict[Node, Node] | None:
    """Values by name, when every item is an assignment to a name of its own."""
    found: dict[Node, Node] = {}
    for item in items:
        assigned = name_and_value(item) if item.op == "rel" and is_equation(item) else None
        if assigned is None or _bare_name(assigned[0]) in found:
            return None
        found[_bare_name(assigned[0])] = assigned[1]
    return found


def _bare_name(name: Node) -> Node:
    """The A of the angle A."""
    bare = name.value.removeprefix(r"\angle") if name.op == "sym" else ""
    return Node("sym", (), bare) if len(bare) == 1 and bare.isupper() else name


def letters_named(items: Sequence[Node]) -> frozenset[Node]:
    """The names to which values are given."""
    assigned = [name_and_value(item) for item in items if item.op == "rel" and is_equation(item)]
    return frozenset(pair[0] for pair in assigned if pair is not None)


def of_other_letter(ours: frozenset[Node], theirs: frozenset[Node]) -> bool:
    """Values of one letter against values of another, or of several: a = 2, a = 3 against a = 2, b = 3."""
    if len(ours) != 1 or not theirs:
        return False
    (ours_name,) = ours
    if all(name.op == "call" for name in (ours_name, *theirs)):  # f(x) and g(x)
        return {name.value for name in theirs} != {ours_name.value}
    letters = all(name.op == "sym" and len(name.value) == 1 for name in (ours_name, *theirs))
    return letters and {name.value.casefold() for name in theirs} != {ours_name.value.casefold()}


def of_letters_mixed(ours: frozenset[Node], theirs: frozenset[Node]) -> bool:
    """Several letters of which one side has one that the other has not: x = 4, x = -4, y = 2 against x = 4, q = -4, y = 2."""
    letters = all(name.op == "sym" for name in (*ours, *theirs))
    return letters and len(ours) > 1 and bool(ours & theirs) and ours != theirs


def by_letter(side: Node) -> Sequence[Node]:
    """The items of y = -1, x = 2 in the order of their letters, in which a pair has them."""
    names = named_values(side.args) if side.op == "list" else None
    if names is None or len(names) < 2 or not all(name.op == "sym" and name.value in ("x", "y", "z") for name in names):
        return side.args
    return sorted(side.args, key=letter_of)


def letter_of(item: Node) -> str:
    """The name to which an assignment gives a value; empty for other items."""
    assigned = name_and_value(item) if item.op == "rel" and is_equation(item) else None
    return str(assigned[0].value) if assigned and assigned[0].op not in ("fn", "call") else ""


def is_assigned(item: Node) -> bool:
    return item.op == "rel" and is_equation(item) and name_and_value(item) is not None


def records(items: list[Node]) -> list[Node]:
    """p = 5, q = 2; p = 7, q = 2 as (5, 2), (7, 2): the same names again and again, in the same order."""
    assigned = [name_and_value(item) if item.op == "rel" and is_equation(item) else None for item in items]
    pairs = [pair for pair in assigned if pair is not None]
    names = [name for name, _ in pairs]
    size = len(set(names))
    if len(pairs) != len(items) or not 1 < size < len(items) or names != names[:size] * (len(items) // size):
        return items
    values = [value for _, value in pairs]
    return [Node("tuple", tuple(values[at : at + size]), "()") for at in range(0, len(values), size)]


def unnamed(item: Node) -> Node:
    if item.op == "ratio" and len(item.args) == 2 and item.args[0].op == "text" and is_name(item.args[0]):
        return item.args[1]  # Paolo: 18
    assigned = name_and_value(item) if item.op == "rel" and is_equation(item) else None
    return assigned[1] if assigned else item
