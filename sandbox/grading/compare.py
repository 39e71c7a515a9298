"""Decides whether an output is the expected one. The program never sees these values, and nothing here runs its code.

Standard output, as bytes:

1. Blanks at the end of a line, blank lines at the end of the output, and the way a line ends (`\\r\\n`) do not count.
2. Lines are compared one by one, so the same words in another order or on other lines are another output.
3. Within a line the words between blanks must be equal, byte by byte.
4. Where the expected word is a number with a decimal point or an exponent, any plain ASCII number within 1e-6 of it
   (absolute, or relative for numbers above one) is equal. `5.0` is not `5`, `1_000` is not `1000`, and `nan` and `inf`
   equal only themselves.

Returned values: Python's own equality of numbers, texts, booleans and None, lists and tuples item by item, mappings by key (a
whole number is the key that JSON writes as text), floats as in rule 4. A set is no list. An expected value may stand alone in a
list where all of a problem do, as in Codewars' tests.
"""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal
from itertools import zip_longest
from typing import Any

TOLERANCE = 1e-6
SHORT_NUMBER = 300  # characters that a float surely holds; longer ones are compared as decimals
ROOM = 1000  # characters by which the printed number may be longer than twice the expected one
_DECIMAL = re.compile(rb"[+-]?(?:(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})")
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_WORD = re.compile(rb"[^ \t\n\r\x0b\x0c]+")  # as bytes.split() cuts
_COARSE = Context(prec=30, Emax=10**9, Emin=-(10**9))


def same_output(expected: bytes, actual: bytes) -> bool:
    """Rules 1 to 4; never raises."""
    if expected == actual:
        return True
    expected, actual = expected.rstrip(), actual.rstrip()
    if bool(expected) != bool(actual) or expected.count(b"\n") != actual.count(b"\n"):
        return False
    lines = zip(expected.split(b"\n"), actual.split(b"\n"), strict=True)
    return all(one.rstrip() == other.rstrip() or _same_words(one, other) for one, other in lines)


def _same_words(wanted: bytes, found: bytes) -> bool:
    """Word by word, so that a hostile line costs nothing beyond the first difference."""
    pairs = zip_longest(_WORD.finditer(wanted), _WORD.finditer(found))
    return all(one and other and (one[0] == other[0] or _close(one[0], other[0])) for one, other in pairs)


def _close(wanted: bytes, found: bytes) -> bool:
    if len(found) > 2 * len(wanted) + ROOM or not _DECIMAL.fullmatch(wanted) or not _NUMBER.fullmatch(found):
        return False
    if max(len(wanted), len(found)) <= SHORT_NUMBER:
        one, other = float(wanted), float(found)
        return math.isfinite(one) and _near(one, other)
    exact, printed = (_COARSE.create_decimal(word.decode()) for word in (wanted, found))
    return abs(_COARSE.subtract(exact, printed)) <= _COARSE.multiply(Decimal("1e-6"), max(Decimal(1), abs(exact)))


def _near(wanted: float, found: float) -> bool:
    return math.isfinite(found) and abs(wanted - found) <= TOLERANCE * max(1.0, abs(wanted))


def same_value(expected: Any, actual: Any, alone: bool = True) -> bool:
    """`expected` as JSON gives it, perhaps `alone` in a list, `actual` as `sandbox.grading.values.returned_value` does; never raises."""
    if _equal(expected, actual):
        return True
    return alone and isinstance(expected, list) and len(expected) == 1 and _equal(expected[0], actual)


def _equal(expected: Any, actual: Any) -> bool:
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(_equal, expected, actual))
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and expected.keys() == actual.keys()
            and all(_equal(value, actual[key]) for key, value in expected.items())
        )
    if isinstance(expected, float) and isinstance(actual, int | float) and not isinstance(actual, bool):
        return expected == actual or (math.isfinite(expected) and _near_number(expected, actual))
    if isinstance(expected, int | float):
        return isinstance(actual, int | float) and expected == actual
    return type(expected) is type(actual) and bool(expected == actual)


def _near_number(expected: float, actual: int | float) -> bool:
    try:
        return _near(expected, float(actual))
    except OverflowError:  # an integer beyond any float
        return False
