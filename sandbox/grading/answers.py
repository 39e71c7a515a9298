"""Answers of the program to planned calls: plain values, or that it raised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sandbox.grading.planning.plain_operations import MOST_KEYS, Unplanned, check_hashes
from sandbox.image.inside.decoding import READERS, Decoder, Reader


@dataclass(frozen=True)
class Raised:
    """An answer that is an exception of the program."""

    text: str


class ProgramRaised(Exception):
    """An assert used the answer of a call that raised."""


def answered(answer: Any) -> Any:
    if isinstance(answer, Raised):
        raise ProgramRaised(answer.text)
    return answer


def plain_value(data: bytes) -> Any:
    """Return a value of plain types. Raises Malformed, or Unplanned for any other value."""
    reader = Decoder(data)
    reader.readers = PLAIN_READERS
    return reader.decode()


def _keyed(make: Callable[[list[Any]], Any], parts_of_item: int) -> Reader:
    """Of few keys, and few of the same hash."""

    def read(decoder: Decoder, depth: int) -> Any:
        if int.from_bytes(decoder.data[decoder.at : decoder.at + 4], "little") > 2 * MOST_KEYS:
            raise Unplanned
        items = decoder.items(depth)
        check_hashes(items[::parts_of_item])
        return make(items)

    return read


def _mapping(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=False))


def _number(decoder: Decoder, depth: int) -> float:
    """Where it is not a number, only the tests tell whether that can be right."""
    value: float = READERS[b"f"](decoder, depth)
    if value != value:
        raise Unplanned
    return value


def _unplanned(decoder: Decoder, depth: int) -> Any:
    raise Unplanned


PLAIN_READERS: Final[dict[bytes, Reader]] = {
    **dict.fromkeys(READERS, _unplanned),
    **{tag: READERS[tag] for tag in (b"N", b"T", b"F", b"i", b"f", b"s", b"b", b"l", b"t", b"c")},
    b"f": _number,
    b"d": _keyed(_mapping, 2),
    b"e": _keyed(set, 1),
    b"z": _keyed(frozenset, 1),
}
