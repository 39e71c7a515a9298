"""The written rules of comparison, one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.grading.compare import same_output, same_value
from sandbox.grading.values import OPAQUE


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("5\n", "5"), ("5", "5\n\n  \n"), ("5 \n6\t\n", "5\n6"), ("5\n6", "5\r\n6\r\n"), ("a  b", "a b"), ("", "\n"), ("", ""),
        ("1.5", "1.5000001"), ("1.50", "1.5"), ("-0.0", "0"), ("1000000.0", "1000000.5"), ("2.0", "2"), ("1.0", "1e0"),
        (".5", "0.5"), ("x 1.5 y", "x 1.50 y"), ("é", "é"), ("nan", "nan"), ("a\n\nb", "a\n\nb"),
    ],
)  # fmt: skip
def test_same(expected: str, actual: str) -> None:
    assert same_output(expected.encode(), actual.encode())


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("5", "6"), ("5", "5.0"), ("5", "5 5"), ("5", ""), ("", "5"), ("1 2", "1\n2"), ("1\n2", "1 2"), ("1 2", "2 1"), ("a\nb", "b\na"),
        ("1.5", "1.6"), ("1.5", "nan"), ("1.5", "inf"), ("1.5", "-1.5"), ("1.5", "1_5"), ("1000", "1_000"), ("1000.0", "1_000.0"),
        ("1.5", "１.5"), ("5", "٥"), ("1.5", "0x1.8p0"), ("1.5", "1.5f"), ("1.5", "1,5"), ("YES", "yes"), ("5", "+5"), ("5", "05"),
        ("1.5", "1e400"), ("1.5", "1" * 500), ("a\nb", "a\n\nb"), ("5", "5\x00"), ("5", "\ufeff5"),
    ],
)  # fmt: skip
def test_different(expected: str, actual: str) -> None:
    assert not same_output(expected.encode(), actual.encode())


@given(st.binary(), st.binary())
def test_any_bytes_are_compared(expected: bytes, actual: bytes) -> None:
    assert same_output(expected, expected)
    same_output(expected, actual)


def test_a_megabyte_of_lines_is_compared() -> None:
    assert not same_output(b"5", b"\n".join([b"5"] * 500_000))


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (5, 5), ([5], 5), ([[1, 2]], [1, 2]), ([1, 2], [1, 2]), (1.5, 1.5000000001), (2.0, 2), (True, True), (1, True), (None, None),
        ("a", "a"), ({"1": [2]}, {"1": [2]}), ([], []), ("", ""), ([None], None), (10**30, 10**30), (1e30, 10**30),
    ],
)  # fmt: skip
def test_same_values(expected: Any, actual: Any) -> None:
    assert same_value(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (5, 6), (5, "5"), ("5", 5), ([1, 2], [2, 1]), ([1, 2], [1]), ([5], [5, 5]), (1.5, float("nan")), (1.5, True), (1.5, "1.5"),
        (None, 0), (None, False), (0, None), ({}, []), ([], {}), ({"a": 1}, {"a": 1, "b": 2}), (5, OPAQUE), ([5], [OPAQUE]), ([5], OPAQUE),
        (1.5, 10**400), (5, [5]), ("a", ["a"]), (float("inf"), 10**400),
    ],
)  # fmt: skip
def test_different_values(expected: Any, actual: Any) -> None:
    assert not same_value(expected, actual)
