"""Lists, sets and tuples: in their order, in any order, by name, and against a single value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tasks.domain.equivalence.comparing.assignments import (
    by_letter,
    is_assigned,
    letter_of,
    letters_named,
    named_values,
    of_letters_mixed,
    of_other_letter,
    records,
    unnamed,
)
from tasks.domain.equivalence.comparing.conditions import condition_of
from tasks.domain.equivalence.comparing.relations import is_equation, name_and_value
from tasks.domain.equivalence.comparing.step import Comparing
from tasks.domain.equivalence.nodes import Node

MAX_ITEMS = 60
_ROOT = re.compile(r"[a-z]_\{?[1-9]\}?")
COLLECTIONS = ("list", "set", "tuple")


def same_collections(c: Comparing, gold: Node, answer: Node) -> bool:
    if gold.op == "rel" or answer.op == "rel":
        return assigned_collection(c, gold, answer)
    if not (gold.op in COLLECTIONS and answer.op in COLLECTIONS):
        return single_against_collection(c, gold, answer)
    if gold.op == answer.op == "set" and _nested(gold) != _nested(answer):  # {1} is an element of {{1}}, and 1 is none
        return False
    if gold.op == answer.op == "tuple":
        return _same_brackets(gold.value, answer.value, len(gold.args)) and in_order(c, gold.args, answer.args)
    single = next((side for side in (gold, answer) if side.op == "set" and len(side.args) == 1), None)
    closed = any(side.op == "tuple" and side.value == "[]" and len(side.args) <= 2 for side in (gold, answer))
    if "tuple" in (gold.op, answer.op) and single is not None and not closed:  # {(1, 2)} for (1, 2)
        return c.same(*(side.args[0] if side is single else side for side in (gold, answer)))
    if "tuple" in (gold.op, answer.op):
        return tuple_against_other(c, gold, answer)
    return same_items(c, gold, answer)


def _nested(node: Node) -> int:
    return sum(arg.op in ("set", "empty") for arg in node.args)


def assigned_collection(c: Comparing, gold: Node, answer: Node) -> bool:
    """(x, y) = (1, 2) against (1, 2); x = 1 against a list is not the same."""
    sides = [
        name_and_value(side) if side.op == "rel" and is_equation(side) else (side, side) for side in (gold, answer)
    ]
    if (ordered := _by_the_names_of(gold, answer)) is not None:
        return c.same(*ordered)
    if None in sides or (
        sides[0] is not None and sides[0][1] == gold and sides[1] is not None and sides[1][1] == answer
    ):
        return False
    return c.same(*(side[1] for side in sides if side is not None))


def _by_the_names_of(gold: Node, answer: Node) -> tuple[Node, Node] | None:
    """(a, b) = (1, 2) and b = 2, a = 1 as two pairs; None when it is no such thing."""
    tupled, listed = (gold, answer) if gold.op == "rel" else (answer, gold)
    pair = name_and_value(tupled) if is_equation(tupled) else None
    values = named_values(listed.args) if listed.op == "list" else None
    if pair is None or values is None or pair[0].op != "tuple" or set(pair[0].args) != set(values):
        return None
    ordered = Node("tuple", tuple(values[name] for name in pair[0].args), pair[1].value)
    return (pair[1], ordered) if tupled is gold else (ordered, pair[1])


def single_against_collection(c: Comparing, gold: Node, answer: Node) -> bool:
    collection = gold if gold.op in COLLECTIONS else answer
    items = _distinct(collection.args, c.same)
    repeated = collection is gold and len(set(gold.args)) < len(gold.args)  # a double root, asked for as such
    point = collection.op == "tuple" and not (
        collection.value == "[]" and len(collection.args) <= 2 and len(items) == 1
    )
    if len(items) != 1 or point or (repeated and gold.op == "list"):
        return False
    same = c.same(items[0], answer) if collection is gold else c.same(gold, items[0])
    return same and (len(collection.args) == 1 or c.found("repeated"))


def tuple_against_other(c: Comparing, gold: Node, answer: Node) -> bool:
    """1, 2 for (1, 2) in that order; [1, 2, 3] may be a list; {1, 2} is no pair."""
    tupled, other = (gold, answer) if gold.op == "tuple" else (answer, gold)
    if other.op == "set" and len(other.args) == 1 and tupled.value == "[]":  # [2, 2] is {2}
        return all(c.same(other.args[0], item) for item in tupled.args)
    if other.op == "set":
        return (
            tupled.value == "[]"
            and len(tupled.args) > 2
            and same_items(c, Node("set", gold.args), Node("set", answer.args))
        )
    return in_order(c, *([unnamed(item) for item in by_letter(side)] for side in (gold, answer)))


def in_order(c: Comparing, gold: Sequence[Node], answer: Sequence[Node]) -> bool:
    return len(gold) == len(answer) <= MAX_ITEMS and all(map(c.same, gold, answer)) and c.found("ordered")


def same_items(c: Comparing, gold: Node, answer: Node) -> bool:
    """Named items by name, others in any order, or in their order where the question asks for one."""
    ours, theirs = (
        _distinct(_flattened(side), c.same) if side.op == "set" else _flattened(side) for side in (gold, answer)
    )
    if max(len(ours), len(theirs)) > MAX_ITEMS or _by_cases(ours) != _by_cases(theirs):
        return False
    ours, theirs = records(ours), records(theirs)
    mine, yours = named_values(ours), named_values(theirs)
    if mine and yours and set(mine) == set(yours) and len(mine) == len(ours) == len(yours) == len(theirs):
        by_name = all(c.same(mine[name], yours[name]) for name in mine)
        return (by_name and c.found("named")) or (
            _are_roots(c, mine) and any_order(c, [*mine.values()], [*yours.values()])
        )
    if mine and yours is None and all(is_assigned(one) for one in theirs) and letters_named(theirs) < set(mine):
        return False  # x = 1, y = 2 against x = 1, x = 2
    if all(map(is_assigned, (*ours, *theirs))) and of_letters_mixed(letters_named(ours), letters_named(theirs)):
        return False
    if of_other_letter(letters_named(ours), letters_named(theirs)):
        return False
    if letters_named(ours) == letters_named(theirs) and len(letters_named(ours)) > 1:
        return any_order(c, ours, theirs)  # x = 5, y = 3, y = 5: what is said of x is not said of y
    lists = gold.op == answer.op == "list"
    asked = lists and len(c.hints.names) == len(ours) == len(theirs) and not _of_points(ours, theirs)
    if mine is None or yours is None:
        if lists and not asked and _tells_places(c, mine, yours):
            return _by_place(c, ours, theirs)
        if asked:
            one, two = _as_asked(c, ours, mine), _as_asked(c, theirs, yours)
            asked = one is not None and two is not None
            if not asked and _tells_places(c, mine, yours):
                return _by_place(c, ours, theirs)
            ours, theirs = one or ours, two or theirs
        ours, theirs = [unnamed(one) for one in ours], [unnamed(one) for one in theirs]
    if lists and (asked or "o" in c.hints.flags):
        return in_order(c, ours, theirs)
    return any_order(c, ours, theirs)


def _are_roots(c: Comparing, named: dict[Node, Node]) -> bool:
    """x_1 and x_2, where the question knows no x_1: the solutions numbered, in any order."""
    if c.hints.letters is None or "n" in c.hints.flags:
        return False
    if not all(name.op == "sym" and _ROOT.fullmatch(name.value) for name in named):
        return False
    initials = {name.value[0] for name in named}
    return len(initials) == 1 and initials <= c.hints.letters


def _of_points(*sides: Sequence[Node]) -> bool:
    """Several solutions of a system, (1, 2) and (2, 1), which are as many as its letters by chance."""
    return any(unnamed(one).op == "tuple" for side in sides for one in side)


def _as_asked(c: Comparing, items: list[Node], named: dict[Node, Node] | None) -> list[Node] | None:
    """Named values in the order in which the question asks for them, others as they stand; None where they go by other names."""
    if not named:
        return items if not any(unnamed(one) != one for one in items) else None
    by_name = {name.value: value for name, value in named.items() if name.op == "sym"}
    return [by_name[name] for name in c.hints.names] if set(by_name) == set(c.hints.names) else None


def _tells_places(c: Comparing, mine: dict[Node, Node] | None, yours: dict[Node, Node] | None) -> bool:
    """Whether names on one side say which value is which: those of the gold, or of the question; not x_1 and x_2, two roots."""
    named = mine or yours
    if named is None or len(named) < 2:
        return False
    if mine is not None and all(name.op in ("fn", "call") for name in mine):  # sin A and cos A, f(1) and f(2)
        return True
    if not all(name.op == "sym" and len(name.value) == 1 for name in named):
        return False
    return mine is not None or {name.value for name in named} <= (c.hints.letters or frozenset())


def _by_place(c: Comparing, gold: Sequence[Node], answer: Sequence[Node]) -> bool:
    """x = 1, y = 2 against 1, 2: in the order of the named ones, as they stand or by their letters."""
    bare = [[unnamed(one) for one in side] for side in (gold, answer)]
    lettered = [[unnamed(one) for one in sorted(side, key=letter_of)] for side in (gold, answer)]
    return in_order(c, *bare) or in_order(c, *lettered)


def any_order(c: Comparing, gold: list[Node], answer: list[Node]) -> bool:
    """A perfect matching; repeated items of the answer do not count when the gold has no repeats."""
    rule = "set"
    if len(answer) > len(gold) and len(_distinct(gold, c.same)) == len(gold):
        answer, rule = _distinct(answer, c.same), "repeated"
    if len(gold) != len(answer):
        return False
    left = list(answer)
    for item in gold:
        match = next((at for at, other in enumerate(left) if c.same(item, other)), None)
        if match is None:
            return False
        del left[match]
    return c.found(rule)


def _same_brackets(one: str, two: str, items: int) -> bool:
    """Brackets matter for pairs, which may be intervals; longer tuples may be written with any."""
    vector = {"<>": "()"}
    return vector.get(one, one) == vector.get(two, two) or items > 2


def _distinct(items: Sequence[Node], same: Callable[[Node, Node], bool]) -> list[Node]:
    kept: list[Node] = []
    for item in items:
        if not any(same(other, item) for other in kept):
            kept.append(item)
    return kept


def _flattened(node: Node) -> list[Node]:
    """Items of a list or set; x = 1, 2 gives two."""
    items: list[Node] = []
    for item in node.args:
        items.extend(item.args if item.op == "list" else [item])
    return items


def _by_cases(items: Sequence[Node]) -> bool:
    """n if n is even, 2n if n is odd: which value holds when is the answer."""
    return sum(condition_of(item).restrictive for item in items) > 1
