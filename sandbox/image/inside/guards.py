"""In the tests: values that Python compares oddly, and what a program does to arguments, do not make an assert hold."""

from __future__ import annotations

import contextlib
import copy
import math
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from .sameness import StandIn

EXPECTED_NAN = re.compile(  # in tests that know of such numbers
    r"(?<![a-z])nan(?![a-z])|isnan|isfinite|(?<![\w.])(\w[\w.]*(?:\([^()]*\))?) != \1(?![\w.(\[])", re.IGNORECASE
)
LEAVES = (int, float, complex, str, bytes, bool, bytearray, type(None))
MOST_NESTED, MOST_PARTS = 50, 1_000_000
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


def given(function: Any, /, *arguments: Any, **keywords: Any) -> Any:
    """A reference of the tests with copies of its arguments, made before the program may change them. Only what is data down to its leaves
    is copied: anything else is meant itself."""
    return function, [copy.deepcopy(one) if is_plain(one) else one for one in arguments], keywords


def is_plain(value: Any) -> bool:
    """Whether a value is data down to its leaves; one that is nested very deep is not."""
    level = [value]
    for _ in range(MOST_NESTED):
        if len(level) > MOST_PARTS or not all(
            type(one) in LEAVES or type(one) in CONTAINERS or type(one) is dict for one in level
        ):
            return False
        level = [
            part
            for one in level
            if type(one) not in LEAVES
            for part in ((*one, *one.values()) if type(one) is dict else one)
        ]
    return not level


def reference(before: tuple[Any, list[Any], dict[str, Any]]) -> Any:
    """What it says of them."""
    function, arguments, keywords = before
    return function(*arguments, **keywords)


def zipped(*iterables: Iterable[Any], **named: Any) -> Any:
    return zip(*map(whole, iterables), **named)  # noqa: B905 - as the tests have it


def enumerated(iterable: Iterable[Any], start: int = 0) -> Any:
    return enumerate(whole(iterable), start)


def whole(iterable: Iterable[Any]) -> Iterable[Any]:
    """An object of the program gives as many items as it says that it has: else a loop over its items and the expected ones ends early."""
    return _counted(iterable) if isinstance(iterable, StandIn) else iterable


def _counted(remote: Any) -> Iterator[Any]:
    count, length = 0, 0
    with contextlib.suppress(Exception):  # it has none
        length = len(remote)
    for item in remote:
        count += 1
        yield item
    object.__setattr__(remote, "_restem_count", count)
    if not count and length > 0:
        raise Unlike(f"{count} items of an object whose length is {length}")


def says_equal(remote: Any, other: Any) -> bool:
    """What the class says, where that is no news for the program: of two of its own objects, or of a value that is the object's own."""
    return remote._restem_tests.ask("binary", remote, "eq", other) is True


def equals_anything(remote: Any) -> bool:
    """Whether its class says that it is equal to a value that nobody can have in mind."""
    if remote._restem_fields is None:
        return False
    known, kind = remote._restem_tests.jokers, remote._restem_fields[0]
    if kind not in known:
        known[kind] = False  # while it is asked
        with contextlib.suppress(Exception):  # whatever it says of a text
            known[kind] = says_equal(remote, f"{id(known):x} {time.monotonic_ns():x}")
    return bool(known[kind])


NAMES = {
    "_restem_reference": reference,
    "_restem_given": given,
    "_restem_zip": zipped,
    "_restem_enumerate": enumerated,
    "_restem_whole": whole,
}  # what the rewritten tests call
