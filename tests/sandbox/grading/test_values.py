"""Values survive the way out as data; what a hostile program writes instead is refused, never believed, never a crash."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.grading.values import OPAQUE, returned_value
from sandbox.image.inside.decoding import Decoder, decode
from sandbox.image.inside.encoding import Encoder, encode
from sandbox.image.inside.values import MAX_DEPTH, Malformed, TooLarge, Unencodable

KEYS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary(), st.tuples(st.integers(), st.text()))
LEAVES = st.one_of(KEYS, st.floats(allow_nan=False), st.complex_numbers(allow_nan=False), st.frozensets(st.integers()))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(KEYS, max_size=4),
    ),
    max_leaves=20,
)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_a_value_comes_back_with_its_types(value: Any) -> None:
    assert typed(decode(encode(value))) == typed(value)


def typed(value: Any) -> Any:
    """The value with the type of every part, sets without their order."""
    if isinstance(value, dict):
        return [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [typed(item) for item in value]
    return type(value), sorted(map(repr, value)) if isinstance(value, set | frozenset) else repr(value)


@pytest.mark.parametrize(
    "value",
    [Counter("aab"), OrderedDict(b=1, a=2), deque([1, 2]), range(1, 9, 2), bytearray(b"x"), Ellipsis, int, len, Counter,
     Fraction(1, 3), Decimal("1.50"), 10**400, -(2**70), float("inf"), "\ud800", b"\x00\xff", {(1, 2): {3}}],
    ids=repr,
)  # fmt: skip
def test_a_value_of_the_standard_library_comes_back(value: Any) -> None:
    found = decode(encode(value))
    assert type(found) is type(value) and found == value


def test_nan_and_a_default_dictionary_come_back() -> None:
    assert math.isnan(decode(encode(float("nan"))))
    found = decode(encode(defaultdict(list, a=[1])))
    assert type(found) is defaultdict and found == {"a": [1]}


class LyingInt(int):
    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __index__(self) -> int:
        return 5

    __int__ = __index__


class LyingList(list):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        return iter([1, 2])

    def __len__(self) -> int:
        return 2


class LyingText(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "yes"

    def encode(self, *arguments: Any) -> bytes:
        return b"yes"


class LyingMapping(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        return {"a": 1}.items()


@pytest.mark.parametrize(
    ("value", "stored"), [(LyingInt(4), 4), (LyingList([3]), [3]), (LyingText("no"), "no"), (LyingMapping(), {})]
)
def test_a_subclass_is_its_stored_value(value: Any, stored: Any) -> None:
    found = decode(encode([value]))[0]
    assert type(found) is type(stored) and repr(found) == repr(stored)


def test_what_has_no_written_form_is_named() -> None:
    with pytest.raises(Unencodable, match="generator"):
        encode(n for n in [1])


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 10**5])
def test_a_deep_nest_is_refused(depth: int) -> None:
    nest: list[Any] = []
    for _ in range(depth):
        nest = [nest]
    with pytest.raises(Unencodable):
        encode(nest)


def test_a_list_inside_itself_is_refused() -> None:
    nest: list[Any] = []
    nest.append(nest)
    with pytest.raises(Unencodable):
        encode(nest)


@pytest.mark.parametrize(
    "value",
    [[0] * 10**6, "a" * 10**7, 2 ** (10**8), b"x" * 10**7, {n: n for n in range(10**6)}],
    ids=lambda value: type(value).__name__,
)
def test_a_large_value_is_refused(value: Any) -> None:
    with pytest.raises(TooLarge):
        encode(value)


def test_a_shared_nest_costs_no_more_than_the_limit() -> None:
    nest: list[Any] = []
    for _ in range(90):
        nest = [nest, nest]
    with pytest.raises(TooLarge):
        encode(nest)


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_a_value_or_malformed(data: bytes) -> None:
    for read in (decode, returned_value):
        try:
            read(data)
        except Malformed:
            continue


@given(VALUES, st.data())
@settings(max_examples=200, deadline=None)
def test_changed_bytes_are_a_value_or_malformed(value: Any, data: st.DataObject) -> None:
    written = bytearray(encode(value))
    written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    for read in (decode, returned_value):
        try:
            read(bytes(written))
        except Malformed:
            continue


@pytest.mark.parametrize("tag", b"ltezqdCODsbai")
def test_a_promised_length_is_not_believed(tag: int) -> None:
    with pytest.raises(Malformed):
        decode(bytes([tag]) + b"\xff\xff\xff\xff" + b"N" * 10)


def test_an_argument_that_was_changed_is_changed_in_place() -> None:
    inner: list[Any] = [1]
    mine = ([inner, inner], {"k": inner})
    writer = Encoder(number=True)
    theirs = (there := Decoder(writer.encode(mine), number=True)).kept
    there.decode()
    assert theirs[0][0] is theirs[0][1] is theirs[2]["k"]
    theirs[1].append(2)
    known = {id(container): number for number, container in enumerate(theirs)}
    content = Encoder(known=known).content(theirs[1])
    reader = Decoder(content, dict(enumerate(writer.kept)))
    reader.fill(reader.take(1), writer.kept[1], 0)
    assert inner == [1, 2]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ((1, (2.5, "a")), [1, [2.5, "a"]]), ({1: (2,), "b": None}, {"1": [2], "b": None}), ({1, 2}, OPAQUE), (1j, OPAQUE),
        ({1: 0, "1": 0}, OPAQUE), ({(1,): 0}, OPAQUE), ({True: 0}, OPAQUE), (b"x", OPAQUE), (int, OPAQUE), (range(3), OPAQUE),
        (Decimal(1), OPAQUE), ([frozenset()], [OPAQUE]), ({2**400: 1}, OPAQUE), (Counter(a=1), {"a": 1}), (deque([1]), [1]),
    ],
    ids=repr,
)  # fmt: skip
def test_the_host_reads_json_like_data(value: Any, read: Any) -> None:
    assert returned_value(encode(value)) == read


def test_the_host_reads_no_reference() -> None:
    found = Encoder(refer=lambda value: b"h" + bytes(9)).encode([lambda: 1])
    assert returned_value(found) == [OPAQUE]
    assert OPAQUE != 1
