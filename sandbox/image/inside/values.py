"""Python values as bytes: typed, bounded, and read back as plain data.

What a program returns is written here, in the program's own process, and read where nothing of the program can run. Each value is
a tag byte and its content. An object of a subclass of a built-in type is written as the base value that it stores, read by the base
type's own methods, so what the subclass says of itself (`__eq__`, `__iter__`, `__len__`, `__repr__`) does not travel. Everything
else stays where it is and travels as a number (`refer`), or not at all.

This file runs inside the image (Python 3.11 or later) and on the host: it imports little and knows nothing of the project.
"""

from __future__ import annotations

import builtins
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
MAX_DEPTH = 100  # nesting of containers; Python's own comparison gives up at about 1000
MAX_BYTES = 1 << 20
COUNT = struct.Struct("<I")
DOUBLE = struct.Struct("<d")
PAIR = struct.Struct("<dd")
NUMBER = struct.Struct("<Q")

PLAIN_NAMES = [
    "bool",
    "int",
    "float",
    "complex",
    "str",
    "bytes",
    "bytearray",
    "list",
    "tuple",
    "set",
    "frozenset",
    "dict",
    "range",
    "object",
    "type",
    "slice",
    "abs",
    "all",
    "any",
    "ascii",
    "bin",
    "callable",
    "chr",
    "divmod",
    "enumerate",
    "filter",
    "hash",
    "hex",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "map",
    "max",
    "min",
    "next",
    "oct",
    "ord",
    "pow",
    "repr",
    "reversed",
    "round",
    "sorted",
    "sum",
    "zip",
]
EXACT = {"fractions.Fraction": ("numerator", "denominator"), "datetime.date": ("year", "month", "day")}


class Unencodable(Exception):
    """A value that has no written form; the message names its type."""


class TooLarge(Exception):
    """The written form is longer than the limit."""


class Malformed(ValueError):
    """Bytes that no encoder wrote."""


def named_values() -> dict[str, Any]:
    """The built-in types and functions that travel by name."""
    found = {name: getattr(builtins, name) for name in PLAIN_NAMES}
    found.update({"Counter": Counter, "defaultdict": defaultdict, "OrderedDict": OrderedDict, "deque": deque})
    return found


NAMED = named_values()
NAME_OF = {id(value): name for name, value in NAMED.items()}


Writer = Callable[["Encoder", Any, int], Any]
Reader = Callable[["Decoder", int], Any]


class Encoder:
    """Writes one value. `known`: id of a mutable container -> its number, written as a reference to the reader's own one.

    With `number` each further mutable container gets the next number and stands in `kept`; `refer(value)` gives the bytes of
    a value that stays here, or None.
    """

    def __init__(
        self,
        limit: int = MAX_BYTES,
        known: Mapping[int, int] | None = None,
        number: bool = False,
        refer: Callable[[Any], bytes | None] | None = None,
    ) -> None:
        self.limit, self.number, self.refer = limit, number, refer
        self.known = dict(known or {})
        self.kept: list[Any] = []
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
        base = base_of(type(value))
        if base is None:
            self._write_foreign(value, depth)
            return
        if base in MUTABLE:
            known = self.known.get(id(value))
            if known is not None:
                self.put(b"m" + COUNT.pack(known))
                return
            if self.number:
                self.known[id(value)] = len(self.kept)
                self.kept.append(value)
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
            write_items(self, [getattr(value, field) for field in EXACT[full_name]], depth)
        elif full_name == "decimal.Decimal":
            self.put(b"y" + sized(full_name.encode()))
            write_items(self, [str(value)], depth)
        elif kind.__module__ == "numpy" and getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
            self._write(value.item(), depth + 1)
        else:
            reference = self.refer(value) if self.refer else None
            if reference is None:
                raise Unencodable(full_name)
            self.put(reference)

    def put(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self.limit:
            raise TooLarge(f"a value of more than {self.limit} bytes")
        self.parts.append(data)


def base_of(kind: type) -> Any:
    """The built-in type whose storage objects of this type have; None for all others."""
    if kind in WRITERS:
        return kind
    for base in BASES:
        if issubclass(kind, base):
            return base
    return None


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


def mapping(tag: bytes) -> Writer:
    def write(encoder: Encoder, value: dict[Any, Any], depth: int) -> None:
        encoder.put(tag)
        write_items(encoder, [part for pair in list(dict.items(value)) for part in pair], depth)

    return write


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
    defaultdict: mapping(b"D"),
    dict: mapping(b"d"),
    range: write_range,
}
BASES = (
    int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, deque, Counter, OrderedDict, defaultdict, dict,
)  # fmt: skip
MUTABLE = frozenset([list, set, dict, bytearray, deque, Counter, OrderedDict, defaultdict])


class Decoder:
    """Reads one value. `known`: number -> container of ours; with `number` new containers are appended to `known`.

    `resolve(tag, number)` gives the object for a value that stayed with the writer (`h` lives with the program, `g` with the
    tests). Nothing is allocated for a length that the bytes do not have.
    """

    def __init__(
        self,
        data: bytes,
        known: list[Any] | None = None,
        number: bool = False,
        resolve: Callable[[bytes, int], Any] | None = None,
    ) -> None:
        self.data, self.at = data, 0
        self.known = known if known is not None else []
        self.number, self.resolve = number, resolve
        self.readers = READERS

    def decode(self) -> Any:
        """The whole value. Raises Malformed."""
        value = self._read(0)
        if self.at != len(self.data):
            raise Malformed(f"{len(self.data) - self.at} bytes after the value")
        return value

    def _read(self, depth: int) -> Any:
        tag = self.take(1)
        if depth > MAX_DEPTH or tag not in self.readers:
            raise Malformed(f"unknown tag {tag!r} or nested too deep")
        try:
            return self.readers[tag](self, depth)
        except Malformed:
            raise
        except (
            TypeError,
            ValueError,
            OverflowError,
            ArithmeticError,
            LookupError,
        ) as error:  # an unhashable key, a bad text
            raise Malformed(str(error)) from None

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise Malformed("cut short")
        self.at += count
        return self.data[self.at - count : self.at]

    def sized(self) -> bytes:
        return self.take(COUNT.unpack(self.take(4))[0])

    def items(self, depth: int) -> list[Any]:
        """The items of a container: a list."""
        count = COUNT.unpack(self.take(4))[0]
        if count > len(self.data) - self.at:
            raise Malformed("cut short")
        return [self._read(depth + 1) for _ in range(count)]

    def keep(self, container: Any) -> Any:
        """Numbers are given in the order in which the writer met the containers: before their content."""
        if self.number:
            self.known.append(container)
        return container

    def fill(self, tag: bytes, container: Any, depth: int) -> Any:
        """Read a mutable container's content into `container`, whatever it held."""
        if tag == b"a":
            container[:] = self.sized()
            return container
        items = self.items(depth)
        container.clear()
        if tag in b"dCOD":
            for at in range(0, len(items) - 1, 2):
                container[items[at]] = items[at + 1]
        elif tag == b"e":
            container.update(items)
        else:
            container.extend(items)
        return container


NEW: dict[bytes, Callable[[], Any]] = {
    b"l": list, b"e": set, b"q": deque, b"d": dict, b"C": Counter, b"O": OrderedDict, b"D": lambda: defaultdict(None),
}  # fmt: skip


def read_mutable(tag: bytes) -> Reader:
    return lambda decoder, depth: decoder.fill(tag, decoder.keep(NEW[tag]()), depth)


def read_known(decoder: Decoder, depth: int) -> Any:
    return decoder.known[COUNT.unpack(decoder.take(4))[0]]


def read_named(decoder: Decoder, depth: int) -> Any:
    return NAMED[decoder.sized().decode()]


def read_exact(decoder: Decoder, depth: int) -> Any:
    name = decoder.sized().decode()
    fields = decoder.items(depth)
    if name == "decimal.Decimal" and len(fields) == 1 and isinstance(fields[0], str) and len(fields[0]) < 10_000:
        from decimal import Decimal

        return Decimal(fields[0])
    if name not in EXACT or len(fields) != len(EXACT[name]) or not all(type(field) is int for field in fields):
        raise Malformed(f"not a {name}")
    module, _, attribute = name.rpartition(".")
    return getattr(__import__(module), attribute)(*fields)


def read_reference(tag: bytes) -> Reader:
    def read(decoder: Decoder, depth: int) -> Any:
        number = NUMBER.unpack(decoder.take(8))[0]
        if decoder.resolve is None:
            raise Malformed("a reference where only data is read")
        return decoder.resolve(tag, number)

    return read


READERS: dict[bytes, Reader] = {
    b"N": lambda decoder, depth: None,
    b".": lambda decoder, depth: Ellipsis,
    b"n": lambda decoder, depth: NotImplemented,
    b"T": lambda decoder, depth: True,
    b"F": lambda decoder, depth: False,
    b"i": lambda decoder, depth: int.from_bytes(decoder.sized(), "little", signed=True),
    b"f": lambda decoder, depth: DOUBLE.unpack(decoder.take(8))[0],
    b"c": lambda decoder, depth: complex(*PAIR.unpack(decoder.take(16))),
    b"s": lambda decoder, depth: decoder.sized().decode("utf-8", "surrogatepass"),
    b"b": lambda decoder, depth: bytes(decoder.sized()),
    b"a": lambda decoder, depth: decoder.keep(bytearray(decoder.sized())),
    b"t": lambda decoder, depth: tuple(decoder.items(depth)),
    b"z": lambda decoder, depth: frozenset(decoder.items(depth)),
    b"r": lambda decoder, depth: range(*decoder.items(depth)),
    b"m": read_known,
    b"k": read_named,
    b"y": read_exact,
    b"h": read_reference(b"h"),
    b"g": read_reference(b"g"),
    **{tag: read_mutable(tag) for tag in NEW},
}


def encode(value: Any, limit: int = MAX_BYTES) -> bytes:
    """A value of built-in types as bytes. Raises Unencodable or TooLarge."""
    return Encoder(limit).encode(value)


def decode(data: bytes) -> Any:
    """The inverse of `encode`; an object of a subclass comes back as its base value. Raises Malformed."""
    return Decoder(data).decode()
