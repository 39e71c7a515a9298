"""RFT's notion of distinct solutions (arXiv 2308.01825): one for each list of equations, the one that differs most is kept.

Solutions are taken in order. A later one with the same equations replaces the one that stands when the sum of its edit
distances to the solutions kept for other equations is larger. A solution without equations has the empty list, so one such
solution of a problem stays. Distances are between characters; the authors' unit is not stated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from tasks.domain.equations import equation_list

Item = TypeVar("Item")


def one_per_path(items: Iterable[Item], text_of: Callable[[Item], str]) -> list[Item]:
    """Return the kept items, in the order in which their equation lists came up first."""
    kept: dict[str, Item] = {}
    for item in items:
        path = equation_list(text_of(item))
        others = [text_of(other) for name, other in kept.items() if name != path]
        if path not in kept or _apart(text_of(item), others) > _apart(text_of(kept[path]), others):
            kept[path] = item
    return list(kept.values())


def _apart(text: str, others: Iterable[str]) -> int:
    return sum(edit_distance(text, other) for other in others)


def edit_distance(first: str, second: str) -> int:
    """Return the Levenshtein distance, with a column of the table in the bits of one integer (Myers 1999, Hyyro 2003)."""
    if not first:
        return len(second)
    places: dict[str, int] = {}
    for place, character in enumerate(first):
        places[character] = places.get(character, 0) | 1 << place
    whole, last = (1 << len(first)) - 1, 1 << (len(first) - 1)
    up, down, distance = whole, 0, len(first)  # vertical differences of +1 and of -1
    for character in second:
        same = places.get(character, 0)
        diagonal = (((same & up) + up) ^ up) | same | down
        plus, minus = down | ~(diagonal | up) & whole, up & diagonal
        distance += bool(plus & last) - bool(minus & last)
        plus, minus = plus << 1 | 1, minus << 1
        up, down = (minus | ~(diagonal | plus)) & whole, plus & diagonal & whole
    return distance
