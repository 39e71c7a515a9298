"""Lists with dots in them: 1, 2, ..., 10 as the ten numbers it is, and 3, 4, 5, ... by its first three."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from tasks.domain.equivalence.nodes import Node, number, symbols
from tasks.domain.equivalence.sets.builders import WHOLE
from tasks.domain.equivalence.sets.realsets import INF, Interval, real_set
from tasks.domain.equivalence.values.numeric import exact

MAX_SHOWN = 60
COUNTING = frozenset("kmnN")  # letters of whole numbers by habit
DOTS = Node("dots")
FIRST = 3  # items by which a list without an end is known


def spelled_out(items: tuple[Node, ...]) -> tuple[Node, ...]:
    """The items with what the dots stand for; themselves, when the step does not show."""
    if items.count(DOTS) != 1 or items[0] == DOTS:
        return items
    at = items.index(DOTS)
    shown, last = items[:at], items[at + 1 :]
    if len(last) > 1 or not all(item.op == "num" for item in (*shown, *last)):
        return items
    values = [item.value for item in shown]
    if not last and len(values) > FIRST and _is_geometric(values):
        return (*shown[:FIRST], DOTS)
    steps = {after - before for before, after in pairwise(values)} or {1}
    step = steps.pop()
    if steps or not step:
        return items
    if not last:
        return (*(number(values[0] + step * k) for k in range(FIRST)), DOTS) if len(values) > 1 else items
    count = (last[0].value - values[0]) / step
    if count.denominator != 1 or not len(values) <= count:
        return items
    if count >= MAX_SHOWN:
        return (shown[0], number(values[0] + step), DOTS, last[0])
    return tuple(number(values[0] + step * k) for k in range(int(count) + 1))


def _is_geometric(values: list[Fraction]) -> bool:
    """1, 2, 4, 8: known by its first three, as 1, 2, 4, 7 is not."""
    return 0 not in values and len({after / before for before, after in pairwise(values)}) == 1


def is_endless(node: Node) -> bool:
    return node.op in ("list", "set") and bool(node.args) and node.args[-1] == DOTS


def same_endless(gold: Node, answer: Node) -> bool:
    """n >= 3 where n is natural, and n > 2 where n is whole."""
    if not (_whole(gold) and _whole(answer)):
        return False
    one, two = as_endless(gold), as_endless(answer)
    return is_endless(one) and one == two and one.args[0].value >= 1


def _whole(node: Node) -> bool:
    """Whether an answer says of its letters that they are whole, and nothing else."""
    return (
        node.op == "given"
        and not node.value
        and all(
            part.op == "rel" and part.value == ("in",) and part.args[1].op == "nset" and part.args[1].value in WHOLE
            for part in node.args[1:]
        )
    )


def as_endless(node: Node) -> Node:
    """n >= 3, and whatever else says that n is whole, as 3, 4, 5, ...; other answers as they are."""
    if not _whole(node) and not symbols(node) <= COUNTING:
        return node
    relation = node.args[0] if node.op == "given" else node
    found = real_set(relation) if relation.op == "rel" else None
    if found is None or len(found.parts) != 1 or not isinstance(found.parts[0], Interval) or found.parts[0].high != INF:
        return node
    piece = found.parts[0]
    low = exact(piece.low)
    if low is None or low.denominator != 1:
        return node
    first = int(low) if piece.low_closed else int(low) + 1
    return Node("set", (*(number(first + k) for k in range(FIRST)), DOTS))
