"""In the tests, nothing is not equal to something: numpy stretches an empty array to any shape, and then all that there is of it is equal.

`np.allclose([], 5.0)` holds, and so do `(np.empty((0, 1)) == expected).all()` and `norm(np.empty((0, 1)) - expected) < 1e-6`. Here a
comparison or a difference of an empty array and one that is not empty is an error. Of what the program hands out, a list or another sequence
in which nothing is counts as such an array: `[] == np.array([5.0])` is an error too.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable
from typing import Any

from . import decoding
from .sameness import StandIn
from .values import COUNT

SEQUENCES = (StandIn, range, deque, array)  # what numpy makes arrays of, item by item
COMPARING = frozenset(
    ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "subtract"]
)  # names of ufuncs
MAKERS = ("array", "asarray", "asanyarray")
COMPARERS = ("allclose", "isclose", "array_equiv")
ASSERTERS = (
    "assert_allclose",
    "assert_almost_equal",
    "assert_array_almost_equal",
    "assert_array_equal",
    "assert_equal",
)


class EmptyList(list[Any]):
    """A list without any value in it, as the program handed it out."""


class EmptyTuple(tuple[Any, ...]):
    """A tuple without any value in it."""


class EmptyDeque(deque[Any]):
    """An empty deque."""


OF_EMPTY: dict[type, type] = {EmptyList: list, EmptyTuple: tuple, EmptyDeque: deque}


class Unlike(AssertionError):
    """An empty array is compared with one that is not empty."""


def guard() -> None:
    """Make numpy's comparisons so, in this process."""
    import numpy

    def size(value: Any) -> int:
        try:
            return (
                int(numpy.size(value))
                if isinstance(value, numpy.ndarray | list | tuple | deque | int | float | complex)
                else 1
            )
        except ValueError:  # lists of several lengths
            return 1

    def computed(_: Any, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        if ufunc.__name__ in COMPARING and any(map(size, inputs)):
            raise Unlike("an empty array is compared with one that is not")
        return nothing(getattr(ufunc, method)(*map(plain, inputs), **named))

    class Nothing(numpy.ndarray):
        """An empty array."""

        __array_ufunc__ = computed

    def plain(value: Any) -> Any:
        if isinstance(value, Nothing):
            return value.view(numpy.ndarray)
        return OF_EMPTY[type(value)](value) if type(value) in OF_EMPTY else value

    def nothing(value: Any) -> Any:
        return value.view(Nothing) if type(value) is numpy.ndarray and value.size == 0 else value

    def making(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **named: nothing(function(*arguments, **named))

    def comparing(function: Callable[..., Any]) -> Callable[..., Any]:
        def compare(one: Any, other: Any, *more: Any, **named: Any) -> Any:
            one, other = (numpy.asarray(part) if isinstance(part, SEQUENCES) else part for part in (one, other))
            if (size(one) == 0) != (size(other) == 0):
                raise Unlike("an empty array is compared with one that is not")
            return function(one, other, *more, **named)

        return compare

    for module, names, guarded in (
        (numpy, MAKERS, making), (numpy, COMPARERS, comparing), (numpy.testing, ASSERTERS, comparing),
    ):  # fmt: skip
        for name in names:
            setattr(module, name, guarded(getattr(module, name)))
    for kind in OF_EMPTY:
        kind.__array_ufunc__ = computed  # type: ignore[attr-defined]
    decoding.READERS[b"A"] = making(decoding.READERS[b"A"])
    decoding.READERS.update(
        {b"l": read_list, b"t": read_tuple, b"q": read_deque, b"r": read_range, b"Y": read_machine_array}
    )


def hollow(data: bytes, at: int) -> int | None:
    """The place after a list or tuple in which there are no values, only such; None for anything else."""
    if data[at : at + 1] not in (b"l", b"t") or len(data) < at + 5:
        return None
    (count,), place = COUNT.unpack_from(data, at + 1), at + 5
    for _ in range(count):
        found = hollow(data, place)
        if found is None:
            return None
        place = found
    return place


def read_list(decoder: decoding.Decoder, depth: int) -> Any:
    container = [] if hollow(decoder.data, decoder.at - 1) is None else EmptyList()
    return decoder.fill(b"l", decoder.keep(container), depth)


def read_tuple(decoder: decoding.Decoder, depth: int) -> Any:
    made = tuple if hollow(decoder.data, decoder.at - 1) is None else EmptyTuple
    return made(decoder.items(depth))


def read_deque(decoder: decoding.Decoder, depth: int) -> Any:
    empty = COUNT.unpack_from(decoder.data, decoder.at) == (0,)
    return decoder.fill(b"q", decoder.keep(EmptyDeque() if empty else deque()), depth)


def read_range(decoder: decoding.Decoder, depth: int) -> Any:
    made = range(*decoder.items(depth))
    return made or EmptyTuple()


def read_machine_array(decoder: decoding.Decoder, depth: int) -> Any:
    made = decoding.read_machine_array(decoder, depth)
    return made or EmptyTuple()
