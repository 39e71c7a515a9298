"""Functions given by cases of one real letter: split at the ends of the cases, compared between them and at them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from tasks.domain.equivalence.nodes import Node, added, number, renamed, symbol, symbols
from tasks.domain.equivalence.values.arithmetic import Floats, NotNumeric
from tasks.domain.equivalence.values.evaluation import Evaluation
from tasks.domain.equivalence.values.numeric import exact, same_value
from tasks.domain.equivalence.values.symbolic import proves_equal_beyond

MAX_CASES = 12
_HOLDS = {"<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b}
_HOLDS |= {"=": lambda a, b: a == b, "!=": lambda a, b: a != b}


@dataclass(frozen=True)
class Case:
    """An expression and the relations under which it holds; without any it is what is left."""

    value: Node
    conditions: tuple[Node, ...]


def cases_of(node: Node) -> list[Case] | None:
    """The cases of a `cases` environment; an expression is one case. None when a row has no condition that can be read."""
    if node.op != "opaque" or node.value != "cases":
        return [Case(node, ())]
    if len(node.args) % 2 or len(node.args) > 2 * MAX_CASES:
        return None
    found = []
    for value, condition in zip(node.args[::2], node.args[1::2], strict=True):
        parts = condition.args if condition.op in ("list", "remark", "given") else (condition,)
        relations = tuple(part for part in parts if part.op == "rel")
        if len(relations) != len(parts) and condition.op not in ("text", "remark"):
            return None
        found.append(Case(value.args[0] if value.op == "list" else value, relations))
    return found


def same_cases(gold: Node, answer: Node) -> bool | None:
    """Whether two functions by cases agree on the real line; None when their conditions are no comparisons with numbers."""
    one, two = cases_of(gold), cases_of(answer)
    if one is None or two is None:
        return None
    relations = [relation for case in one + two for relation in case.conditions]
    letters = frozenset[str]().union(*map(symbols, relations)) if relations else frozenset[str]()
    ends = _ends(relations)
    if len(letters) != 1 or ends is None:
        return None
    (letter,) = letters
    inside = [ends[0] - 1, *((a + b) / 2 for a, b in pairwise(ends)), ends[-1] + 1]
    if any(_torn(two, letter, at) for at in (*ends, *inside)):
        return False
    between = zip([None, *ends], [*ends, None], inside, strict=True)
    return all(_agree_at(one, two, letter, end) for end in ends) and all(
        _agree_within(_chosen(one, letter, at), _chosen(two, letter, at), letter, low, high)
        for low, high, at in between
    )


def _ends(relations: list[Node]) -> list[Fraction] | None:
    values = [exact(part) for relation in relations for part in relation.args if part.op != "sym"]
    comparisons = all(operator in _HOLDS for relation in relations for operator in relation.value)
    ends = sorted({value for value in values if value is not None})
    return ends if comparisons and None not in values and ends else None


def _chosen(cases: list[Case], letter: str, at: Fraction) -> Node | None:
    """The first case that holds at a point; None where the function is not defined."""
    return next((case.value for case in cases if all(_holds(one, at) for one in case.conditions)), None)


def _torn(cases: list[Case], letter: str, at: Fraction) -> bool:
    """Whether two cases hold at a point and give it different values."""
    place = {letter: number(at)}
    held = [
        renamed(case.value, place)
        for case in cases
        if case.conditions and all(_holds(one, at) for one in case.conditions)
    ]
    return len(held) > 1 and not all(same_value(held[0], other) for other in held[1:])


def _holds(relation: Node, at: Fraction) -> bool:
    values = [at if part.op == "sym" else exact(part) for part in relation.args]
    return all(_HOLDS[op](a, b) for op, (a, b) in zip(relation.value, pairwise(values), strict=True))


def _agree_at(one: list[Case], two: list[Case], letter: str, at: Fraction) -> bool:
    first, second = _chosen(one, letter, at), _chosen(two, letter, at)
    if first is None or second is None:
        return first is None and second is None
    place = {letter: number(at)}
    return same_value(renamed(first, place), renamed(second, place))


def _agree_within(one: Node | None, two: Node | None, letter: str, low: Fraction | None, high: Fraction | None) -> bool:
    """The same expression between two ends: identical as such, or by SymPy for positive distances from an end."""
    if one is None or two is None or one == two:
        return one == two
    if same_value(one, two):
        return True
    if low is None or high is None:
        distance = symbol("distance")
        end = low if high is None else high
        place = added(number(end or 0), distance if high is None else Node("neg", (distance,)))
        moved = [renamed(side, {letter: place}) for side in (one, two)]
        return _near(moved) and bool(proves_equal_beyond(*moved))
    return False


def _near(sides: list[Node]) -> bool:
    """A quick look at one point before SymPy is asked."""
    try:
        one, two = (Evaluation(Floats()).value(renamed(side, {"distance": number(Fraction(7, 3))})) for side in sides)
    except NotNumeric:
        return False
    return abs(one - two) <= 1e-9 * max(1.0, abs(one))
