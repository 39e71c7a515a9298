"""What an assert that is decided on the host may do with an answer: pure operations on plain values."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

MOST_KEYS = 1000  # of a set or mapping: hashes of hostile numbers can all be the same
MOST_CLASHES = 16  # different keys of one hash
MOST_BITS = 1 << 16
MOST_DIGITS = 400
SHORT_TEXT = 8  # characters of a text that may be read as a number


class Unplanned(Exception):
    """Raised for something that only running the tests can decide."""


def number_of(value: Any) -> Any:
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() < MOST_BITS):
        return value
    raise Unplanned


ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: lambda one, other: one + other,
    ast.Sub: lambda one, other: one - other,
    ast.Mult: lambda one, other: one * other,
    ast.Div: lambda one, other: one / other,
}
COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: lambda one, other: one == other,
    ast.NotEq: lambda one, other: one != other,
    ast.Lt: lambda one, other: one < other,
    ast.LtE: lambda one, other: one <= other,
    ast.Gt: lambda one, other: one > other,
    ast.GtE: lambda one, other: one >= other,
    ast.Is: lambda one, other: _singleton(one) is _singleton(other),
    ast.IsNot: lambda one, other: _singleton(one) is not _singleton(other),
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}


def _singleton(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    raise Unplanned


def _few(value: Any = ()) -> set[Any]:
    if not isinstance(value, str | list | tuple | set | frozenset | dict) or len(value) > MOST_KEYS:
        raise Unplanned
    check_hashes(value)
    return set(value)


def check_hashes(keys: Iterable[Any]) -> None:
    """Raise Unplanned if many different keys have the same hash: each long one would be compared with all others."""
    first: dict[int, Any] = {}
    clashes = 0
    for key in keys:
        clashes += first.setdefault(hash(key), key) != key
        if clashes > MOST_CLASHES:
            raise Unplanned


def _round(value: Any, *digits: Any, **named: Any) -> Any:
    """To few digits: rounding to -10**9 of them makes a number of so many."""
    digits += tuple(named.values())
    if not all(digit is None or (isinstance(digit, int) and abs(digit) <= MOST_DIGITS) for digit in digits):
        raise Unplanned
    return round(number_of(value), *digits)


def _float(value: Any) -> float:
    if (
        isinstance(value, str) and len(value) < SHORT_TEXT and value.isascii()
    ):  # other digits are not the same in every Python
        return float(value)
    return float(number_of(value))


def _sorted(value: Any, *, reverse: Any = False) -> list[Any]:
    if not isinstance(reverse, int):
        raise Unplanned
    return sorted(value, reverse=bool(reverse))


ONE = (1, 1)  # argument
PLACES: Final[dict[str, tuple[int, int]]] = {
    "round": (1, 2),
    "set": (0, 1),
    "list": (0, 1),
    "tuple": (0, 1),
    "math.isclose": (2, 2),
}
NAMED: Final[dict[str, frozenset[str]]] = {
    "sorted": frozenset({"reverse"}), "round": frozenset({"ndigits"}), "math.isclose": frozenset({"rel_tol", "abs_tol"}),
}  # fmt: skip


def takes(function: str, places: int, named: Sequence[str]) -> bool:
    """Return whether a function of the list below does here all that Python's does when it is called like that."""
    least, most = PLACES.get(function, ONE)
    return least <= places <= most - ("ndigits" in named) and set(named) <= NAMED.get(function, frozenset())


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": lambda value: abs(number_of(value)),
    "round": _round,
    "len": len,
    "set": _few,
    "sorted": _sorted,
    "list": list,
    "tuple": tuple,
    "int": lambda value: int(number_of(value)),
    "float": _float,
    "math.isclose": lambda one, other, **named: math.isclose(number_of(one), number_of(other), **named),
    "math.fabs": lambda value: math.fabs(number_of(value)),
    "math.isnan": lambda value: math.isnan(number_of(value)),
    "math.isinf": lambda value: math.isinf(number_of(value)),
}
