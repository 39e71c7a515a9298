"""When an output is the expected one. The program never sees what stands here, and nothing here runs any of it.

Standard output, as bytes:

1. Blanks at the end of a line, blank lines at the end of the output, and the way a line ends (`\\r\\n`) do not count.
2. Lines are compared one by one, so the same words in another order or on other lines are another output.
3. Within a line the words between blanks must be equal, byte by byte.
4. Where the expected word is a number with a decimal point, any plain ASCII number within 1e-6 of it (absolute, or relative
   for numbers above one) is equal. `5.0` is not `5`, `1_000` is not `1000`, and `nan` and `inf` equal only themselves.

Returned values: Python's own equality of numbers, texts, booleans and None, lists and tuples item by item, mappings by key (a
whole number is the key that JSON writes as text), floats as in rule 4. A set is no list. An expected value may stand alone in a
list, as in Codewars' tests.
"""

from __future__ import annotations

import math
import re
from typing import Any

TOLERANCE = 1e-6
LONGEST_NUMBER = 400  # characters; a longer word is compared byte by byte
_DECIMAL = re.compile(rb"[+-]?(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


def same_output(expected: bytes, actual: bytes) -> bool:
    """Rules 1 to 4; never raises."""
    if expected == actual:
        return True
    wanted, found = _lines(expected), _lines(actual)
    return len(wanted) == len(found) and all(
        one == other or _same_words(one.split(), other.split()) for one, other in zip(wanted, found, strict=True)
    )


def _lines(output: bytes) -> list[bytes]:
    lines = [line.rstrip() for line in output.rstrip().split(b"\n")]
    return [] if lines == [b""] else lines


def _same_words(wanted: list[bytes], found: list[bytes]) -> bool:
    return len(wanted) == len(found) and all(
        one == other or _close(one, other) for one, other in zip(wanted, found, strict=True)
    )


def _close(wanted: bytes, found: bytes) -> bool:
    if max(len(wanted), len(found)) > LONGEST_NUMBER or not _DECIMAL.fullmatch(wanted) or not _NUMBER.fullmatch(found):
        return False
    return _near(float(wanted), float(found))


def _near(wanted: float, found: float) -> bool:
    return math.isfinite(found) and abs(wanted - found) <= TOLERANCE * max(1.0, abs(wanted))


def same_value(expected: Any, actual: Any) -> bool:
    """`expected` as JSON gives it, `actual` as `sandbox.grading.values.returned_value` does; never raises."""
    if _equal(expected, actual):
        return True
    return isinstance(expected, list) and len(expected) == 1 and _equal(expected[0], actual)


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
