"""In the tests: values that Python compares oddly, and what a program does to arguments, do not make an assert hold."""

from __future__ import annotations

import copy
import math
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from .sameness import StandIn

EXPECTED_NAN = re.compile(  # in tests that know of such numbers
    r"(?<![a-z])nan(?![a-z])|isnan|isfinite|(?<![\w.])(\w[\w.]*(?:\([^()]*\))?) != \1(?![\w.(\[])", re.IGNORECASE
)
COPIED = (list, dict, set, bytearray, deque)
CONTAINERS = (list, tuple, set, frozenset, deque)


class Unlike(AssertionError):
    """What the program gave is not what Python's comparisons take it for."""


def holds_nan(value: Any) -> bool:
    """Whether a value is no number: neither more nor less than anything, it passes `not (abs(found - wanted) > 1e-6)`."""
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, complex):
        return math.isnan(value.real) or math.isnan(value.imag)
    if isinstance(value, dict):
        return any(map(holds_nan, value.values()))
    if isinstance(value, CONTAINERS):
        return any(map(holds_nan, value))
    kind = getattr(getattr(value, "dtype", None), "kind", "") if not isinstance(value, StandIn) else ""
    return kind in ("f", "c") and bool((value != value).any())


def check_numbers(written: bytes, value: Any) -> None:
    """Raise if the program's answer holds such a value; most answers, as they are written, have no byte that one has."""
    if (b"\x7f" in written or b"\xff" in written) and holds_nan(value):
        raise Unlike("the program's answer is not a number")


def reference(function: Any, /, *arguments: Any, **keywords: Any) -> Any:
    """What a function of the tests says of arguments that the program gets after it: it may change its copies."""
    given = [copy.deepcopy(one) if type(one) in COPIED else one for one in arguments]
    return function(*given, **keywords)


def zipped(*iterables: Iterable[Any], **named: Any) -> Any:
    return zip(*map(whole, iterables), **named)  # noqa: B905 - as the tests have it


def enumerated(iterable: Iterable[Any], start: int = 0) -> Any:
    return enumerate(whole(iterable), start)


def whole(iterable: Iterable[Any]) -> Iterable[Any]:
    """An object of the program gives as many items as it said that it has: else a loop over its items and the expected ones ends early."""
    return _counted(iterable) if isinstance(iterable, StandIn) else iterable


def _counted(remote: Any) -> Iterator[Any]:
    count = 0
    for item in remote:
        count += 1
        yield item
    object.__setattr__(remote, "_restem_count", count)
    length = object.__getattribute__(remote, "_restem_length")
    if length is not None and count < length and count < len(remote):
        raise Unlike(f"{count} items of an object whose length is {length}")


NAMES = {
    "_restem_reference": reference,
    "_restem_zip": zipped,
    "_restem_enumerate": enumerated,
}  # what the rewritten tests call
