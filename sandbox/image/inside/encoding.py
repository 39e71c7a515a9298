"""Values to bytes, see `values`. Runs in the program's process: whatever a program makes of it is only data to the reader."""

from __future__ import annotations

import builtins
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .values import (
    ARRAY_TYPES,
    COUNT,
    DOUBLE,
    EXACT,
    FACTORIES,
    MAX_BYTES,
    MAX_DEPTH,
    NAME_OF,
    NUMPY_TYPE,
    PAIR,
    TEXTS,
    VIEWS,
    TooLarge,
    Unencodable,
)  # fmt: skip

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
MAX_FIELDS = 100
Writer = Callable[["Encoder", Any, int], Any]


class Encoder:
    """Writes one value. `known`: id of a mutable container -> its number, written as a reference to the reader's own one.

    With `number` each further mutable container gets the next number, from `first` on, and stands in `kept`; `met` are the numbers
    that were written. `refer(value)` gives the bytes of a value that stays here, or None; it is also asked for objects of classes below
    a built-in one.
    """

    def __init__(
        self,
        limit: int = MAX_BYTES,
        known: Mapping[int, int] | None = None,
        number: bool = False,
        refer: Callable[[Any], bytes | None] | None = None,
        first: int = 0,
    ) -> None:
        self.limit, self.number, self.refer, self.first = limit, number, refer, first
        self.known: Any = dict(known or {}) if number else known or {}  # only with `number` it grows
        self.kept: list[Any] = []
        self.met: set[int] = set()
        self.parts: list[bytes] = []
        self.size = 0

    def encode(self, value: Any) -> bytes:
        """The whole value. Raises Unencodable or TooLarge."""
        self._write(value, 0)
        return b"".join(self.parts)

    def content(self, container: Any) -> bytes:
        """A known container's content, known ones inside it as references."""
        WRITERS[base_of(type(container))](self, container, 0)
        return b"".join(self.parts)

    def _write(self, value: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Unencodable(f"a value nested more than {MAX_DEPTH} deep")
        kind = type(value)
        base = base_of(kind)
        if base is None:
            self._write_foreign(value, depth)
            return
        if self.refer is not None and kind not in WRITERS and (reference := self.refer(value)) is not None:
            self.put(reference)
            return
        if base in MUTABLE:
            known = self.known.get(id(value))
            if known is not None:
                self.met.add(known)
                self.put(b"m" + COUNT.pack(known))
                return
            if self.number:
                self.known[id(value)] = self.first + len(self.kept)
                self.kept.append(value)
        fields = fields_of(type(value)) if base is tuple and type(value) is not tuple else None
        if fields is not None and len(fields) == tuple.__len__(value):
            self.put(b"p")
            write_items(self, [type(value).__name__, fields, *tuple.__iter__(value)], depth)
            return
        WRITERS[base](self, value, depth)

    def _write_foreign(self, value: Any, depth: int) -> None:
        name = NAME_OF.get(id(value))
        if name is not None:
            self.put(b"k" + sized(name.encode()))
            return
        kind = type(value)
        full_name = f"{kind.__module__}.{kind.__qualname__}"
        if full_name in EXACT:
            self.put(b"y" + sized(full_name.encode()))
            offset = value.utcoffset() if getattr(value, "tzinfo", None) is not None else None
            beyond = [] if offset is None else [offset.days * 86_400 + offset.seconds]
            write_items(self, [*(getattr(value, field) for field in EXACT[full_name]), *beyond], depth)
        elif full_name in TEXTS:
            self.put(b"y" + sized(full_name.encode()))
            write_items(self, [str(value)], depth)
        elif kind.__module__ == "numpy" and getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
            self._write(value.item(), depth + 1)
        elif (array := plain_array(value)) is not None and NUMPY_TYPE.fullmatch(array.dtype.str):
            self.put(b"A")
            write_items(self, [array.dtype.str, list(array.shape), array.tobytes()], depth)
        elif full_name == "array.array" and value.typecode in ARRAY_TYPES:
            self.put(b"Y")
            write_items(self, [value.typecode, value.tobytes()], depth)
        elif kind is slice:
            self.put(b"S")
            write_items(self, [value.start, value.stop, value.step], depth)
        elif kind in VIEWS.values():
            self.put(b"v")
            write_items(self, [kind.__name__, list(value)], depth)
        else:
            reference = self.refer(value) if self.refer else None
            if reference is None:
                raise Unencodable(full_name)
            self.put(reference)

    def add(self, value: Any) -> None:
        """One of several values that a caller puts together."""
        self._write(value, 1)

    def add_stored(self, value: Any) -> None:
        """The base value of an object of a class below a built-in one, read by the built-in type's own methods."""
        WRITERS[base_of(type(value))](self, value, 1)

    def put(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self.limit:
            raise TooLarge(f"a value of more than {self.limit} bytes")
        self.parts.append(data)


def plain_array(value: Any) -> Any:
    """An array of numpy as one of the plain class, whatever class below it (`numpy.matrix`) it has; None for anything else."""
    for kind in type(value).__mro__:
        if kind.__name__ == "ndarray" and kind.__module__ == "numpy":
            return value if type(value) is kind else kind.view(value, kind)  # type: ignore[attr-defined]
    return None


def base_of(kind: type) -> Any:
    """The built-in type whose storage objects of this type have; None for all others."""
    if kind in WRITERS:
        return kind
    for base in BASES:
        if issubclass(kind, base):
            return base
    return None


def fields_of(kind: type) -> tuple[str, ...] | None:
    """Of a class that `namedtuple` or `NamedTuple` made, or of one below it."""
    fields = getattr(kind, "_fields", None)
    plain = type(fields) is tuple and 0 < len(fields) <= MAX_FIELDS and all(type(field) is str for field in fields)
    return fields if plain else None


def sized(data: bytes) -> bytes:
    return COUNT.pack(len(data)) + data


def write_int(encoder: Encoder, value: int, depth: int) -> None:
    length = (int.bit_length(value) + 8) // 8
    if length > encoder.limit:
        raise TooLarge(f"an integer of {length} bytes")
    encoder.put(b"i" + sized(int.to_bytes(value, length, "little", signed=True)))


def write_str(encoder: Encoder, value: str, depth: int) -> None:
    if str.__len__(value) > encoder.limit:
        raise TooLarge(f"a text of more than {encoder.limit} characters")
    encoder.put(b"s" + sized(str.encode(value, "utf-8", "surrogatepass")))


def write_bytes(encoder: Encoder, value: bytes | bytearray, depth: int) -> None:
    if len(memoryview(value)) > encoder.limit:
        raise TooLarge(f"more than {encoder.limit} bytes")
    encoder.put((b"a" if isinstance(value, bytearray) else b"b") + sized(bytes(memoryview(value))))


def write_items(encoder: Encoder, items: list[Any], depth: int) -> None:
    """`items` is an exact list."""
    encoder.put(COUNT.pack(len(items)))
    for item in items:
        encoder._write(item, depth + 1)


def collection(tag: bytes, base: Any) -> Writer:
    def write(encoder: Encoder, value: Iterable[Any], depth: int) -> None:
        encoder.put(tag)
        write_items(encoder, list(base.__iter__(value)), depth)

    return write


def parts_of(value: dict[Any, Any]) -> list[Any]:
    """Its keys and values in turn."""
    return [part for pair in list(dict.items(value)) for part in pair]


def mapping(tag: bytes) -> Writer:
    def write(encoder: Encoder, value: dict[Any, Any], depth: int) -> None:
        encoder.put(tag)
        write_items(encoder, parts_of(value), depth)

    return write


_factory_of: Callable[[Any], Any] = vars(defaultdict)["default_factory"].__get__  # whatever a class below it has


def write_defaultdict(encoder: Encoder, value: defaultdict[Any, Any], depth: int) -> None:
    """Its factory's name, where that is a plain type, after all items."""
    factory = _factory_of(value)
    name = next((name for name, kind in FACTORIES.items() if kind is factory), None)
    encoder.put(b"D")
    write_items(encoder, parts_of(value) if name is None else [*parts_of(value), name], depth)


def write_range(encoder: Encoder, value: range, depth: int) -> None:
    encoder.put(b"r")
    write_items(encoder, [value.start, value.stop, value.step], depth)


WRITERS: dict[Any, Writer] = {
    type(None): lambda encoder, value, depth: encoder.put(b"N"),
    type(Ellipsis): lambda encoder, value, depth: encoder.put(b"."),
    type(NotImplemented): lambda encoder, value, depth: encoder.put(b"n"),
    bool: lambda encoder, value, depth: encoder.put(b"T" if value else b"F"),
    int: write_int,
    float: lambda encoder, value, depth: encoder.put(b"f" + DOUBLE.pack(float.__float__(value))),
    complex: lambda encoder, value, depth: encoder.put(
        b"c" + PAIR.pack(complex.real.__get__(value), complex.imag.__get__(value))
    ),
    str: write_str,
    bytes: write_bytes,
    bytearray: write_bytes,
    list: collection(b"l", list),
    tuple: collection(b"t", tuple),
    set: collection(b"e", set),
    frozenset: collection(b"z", frozenset),
    deque: collection(b"q", deque),
    Counter: mapping(b"C"),
    OrderedDict: mapping(b"O"),
    defaultdict: write_defaultdict,
    dict: mapping(b"d"),
    range: write_range,
}
BASES = (
    int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, deque, Counter, OrderedDict, defaultdict, dict,
)  # fmt: skip
MUTABLE = frozenset([list, set, dict, bytearray, deque, Counter, OrderedDict, defaultdict])


def encode(value: Any, limit: int = MAX_BYTES) -> bytes:
    """A value of built-in types as bytes. Raises Unencodable or TooLarge."""
    return Encoder(limit).encode(value)
