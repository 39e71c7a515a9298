"""Operators and functions of which tests make their constants. Each gives what the container's Python gives, whichever that is, and nothing long."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from sandbox.grading.planning.plain_operations import ARITHMETIC, Unplanned, number_of

MOST_ITEMS = 10_000  # of one value
MOST_POWER = 100
LONGEST_TEXT = 4000  # digits that Python writes everywhere
ITERATOR: type = type(iter([0]))
ITERABLE = (str, list, tuple, range, dict, ITERATOR)  # not a set: its order is another one in each process
SHORT = (int, str, bool, type(None))  # Pythons may write a float in another way


def in_order(value: Any) -> Any:
    if isinstance(value, ITERABLE):
        return value
    raise Unplanned


def _small(value: Any) -> Any:
    if len(value) > MOST_ITEMS:
        raise Unplanned
    return value


def _text(value: Any) -> str:
    if type(value) not in SHORT or (isinstance(value, int) and abs(value) >= 10**LONGEST_TEXT):
        raise Unplanned
    return str(value)


def _sum(values: Any) -> int:
    """Of whole numbers: Python 3.12 adds floats in another way than 3.11, and the container has its own Python."""
    items = list(in_order(values))
    if not all(isinstance(item, int) for item in items):
        raise Unplanned
    return sum(map(number_of, items))


def _ordered(function: Callable[..., Any]) -> Callable[..., Any]:
    """What orders its items: whole numbers, or texts."""

    def order(*parts: Any) -> Any:
        items = list(in_order(parts[0]) if len(parts) == 1 else parts)
        if not any(all(isinstance(item, kind) for item in items) for kind in (int, str)):
            raise Unplanned
        return function(items)

    return order


def _once(function: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    """What goes through its items once; `bind` takes no such value."""
    return lambda *parts: iter(list(function(*map(in_order, parts))))


def _power(one: Any, other: Any) -> Any:
    if type(one) is int and type(other) is int and 0 <= other <= MOST_POWER and abs(one) <= MOST_POWER:
        return one**other
    raise Unplanned


def _times(one: Any, other: Any) -> Any:
    repeated, count = (one, other) if isinstance(one, str | list) else (other, one)
    if not (isinstance(repeated, str | list) and type(count) is int):
        return number_of(one) * number_of(other)
    if len(repeated) * count > MOST_ITEMS:
        raise Unplanned
    return repeated * count


def _plus(one: Any, other: Any) -> Any:
    alike = type(one) is type(other) and isinstance(one, str | list | tuple)
    return _small(one + other) if alike else number_of(one) + number_of(other)


def _whole(operate: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
    def calculate(one: Any, other: Any) -> Any:
        if type(one) is int and type(other) is int:  # `%` is more than arithmetic for texts
            return operate(number_of(one), number_of(other))
        raise Unplanned

    return calculate


BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: _plus,
    ast.Mult: _times,
    ast.Pow: _power,
    ast.FloorDiv: _whole(lambda one, other: one // other),
    ast.Mod: _whole(lambda one, other: one % other),
    **{kind: ARITHMETIC[kind] for kind in (ast.Sub, ast.Div)},
}
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "range": lambda *bounds: _small(range(*bounds)),
    "list": lambda *parts: list(*map(in_order, parts)),
    "tuple": lambda *parts: tuple(*map(in_order, parts)),
    "enumerate": _once(enumerate), "zip": _once(zip), "reversed": _once(reversed),
    "sum": _sum,
    "sorted": _ordered(sorted), "min": _ordered(min), "max": _ordered(max),
    "len": len, "str": _text,
    "abs": lambda value: abs(number_of(value)),
    "int": lambda value: int(number_of(value)),
    "float": lambda value: float(number_of(value)),
}  # fmt: skip
