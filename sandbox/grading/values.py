"""Reads on the host what a called function returned: JSON-like data, or `OPAQUE` where JSON has no such value.

Sets, complex numbers, classes and mappings with other keys than texts and whole numbers are never built here: they equal no
JSON value, and hashing what a hostile program chose could take for ever.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.image.inside.decoding import READERS, Decoder, Reader

LONGEST_KEY_BITS = 256


class _Opaque:
    """A value that no expected output can equal."""

    def __repr__(self) -> str:
        return "OPAQUE"


OPAQUE: Final = _Opaque()


def returned_value(data: bytes) -> Any:
    """Return the value in `data`, with tuples as lists. Raises Malformed."""
    reader = Decoder(data)
    reader.readers = HOST_READERS
    return reader.decode()


def _as_opaque(read: Reader) -> Reader:
    def opaque(decoder: Decoder, depth: int) -> Any:
        read(decoder, depth)
        return OPAQUE

    return opaque


def _items(decoder: Decoder, depth: int) -> list[Any]:
    return decoder.items(depth)


def _mapping(decoder: Decoder, depth: int) -> Any:
    return _mapped(decoder.items(depth))


def _mapped(items: list[Any]) -> Any:
    keys = [_key(key) for key in items[::2]]
    texts = [key for key in keys if key is not None]
    if len(items) % 2 or len(texts) < len(keys) or len(set(texts)) < len(texts):
        return OPAQUE
    return dict(zip(texts, items[1::2], strict=True))


def _defaulting(decoder: Decoder, depth: int) -> Any:
    """A defaultdict: the name of its factory may follow its items."""
    items = decoder.items(depth)
    return _mapped(items[: len(items) // 2 * 2])


def _key(key: Any) -> str | None:
    """Return a key as JSON writes it, a whole number as text; None for any other key."""
    if isinstance(key, str):
        return key
    whole = isinstance(key, int) and not isinstance(key, bool) and key.bit_length() <= LONGEST_KEY_BITS
    return str(key) if whole else None


def _named(decoder: Decoder, depth: int) -> Any:
    decoder.sized()
    return OPAQUE


def _exact(decoder: Decoder, depth: int) -> Any:
    decoder.sized()
    decoder.items(depth)
    return OPAQUE


HOST_READERS: Final[dict[bytes, Reader]] = {
    **{tag: READERS[tag] for tag in (b"N", b"T", b"F", b"i", b"f", b"s")},
    **{tag: _as_opaque(READERS[tag]) for tag in (b".", b"n", b"b", b"a", b"c")},
    **dict.fromkeys((b"l", b"t", b"q"), _items),
    **{tag: _as_opaque(_items) for tag in (b"e", b"z", b"r")},
    **dict.fromkeys((b"d", b"C", b"O"), _mapping),
    b"D": _defaulting,
    b"k": _named,
    b"y": _exact,
    b"p": lambda decoder, depth: decoder.items(depth)[2:],
    **{tag: _as_opaque(_items) for tag in (b"A", b"Y", b"S", b"v", b"o")},
    b"h": _as_opaque(lambda decoder, depth: decoder.take(9)),
}
