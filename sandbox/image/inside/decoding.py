"""Bytes to values, see `values`. What is read may come from a hostile program: nothing of it runs, and little is allocated for it."""

from __future__ import annotations

import builtins
import importlib
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

from .values import (
    ARRAY_TYPES,
    COUNT,
    DOUBLE,
    EXACT,
    FACTORIES,
    MAX_DEPTH,
    NAMED,
    NUMBER,
    NUMPY_TYPE,
    PAIR,
    TEXTS,
    Malformed,
)

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
ZONED = {"datetime.datetime": 1, "datetime.time": 1}  # fields beyond: the seconds that its zone is ahead of UTC
Reader = Callable[["Decoder", int], Any]


class Decoder:
    """Reads one value. `known[number]` is a container of ours; with `number` each new container gets the next number, from `first` on, and
    stands in `kept`; `met` are the numbers that were read.

    `resolve(tag, number, hint)` gives the object for a value that stayed with the writer (`h` lives with the program, `g` with
    the tests; see `call` for hints); `record(name, fields)` the class of a named tuple. Nothing is allocated for a length that the bytes do not have.
    """

    def __init__(
        self,
        data: bytes,
        known: Any = None,
        number: bool = False,
        resolve: Callable[[bytes, int, bytes], Any] | None = None,
        record: Callable[[str, tuple[str, ...]], Any] | None = None,
        first: int = 0,
    ) -> None:
        self.data, self.at, self.first = data, 0, first
        self.known = {} if known is None else known
        self.number, self.resolve, self.record = number, resolve, record
        self.kept: list[Any] = []
        self.met: set[int] = set()
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
            ImportError,
            AttributeError,
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
            self.kept.append(container)
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
            if tag == b"D" and len(items) % 2:
                container.default_factory = FACTORIES[items[-1]]
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
    number = COUNT.unpack(decoder.take(4))[0]
    decoder.met.add(number)
    at = number - decoder.first
    return decoder.kept[at] if 0 <= at < len(decoder.kept) else decoder.known[number]


def read_named(decoder: Decoder, depth: int) -> Any:
    return NAMED[decoder.sized().decode()]


def read_exact(decoder: Decoder, depth: int) -> Any:
    name = decoder.sized().decode()
    fields = decoder.items(depth)
    module, _, attribute = name.rpartition(".")
    if name in TEXTS and len(fields) == 1 and isinstance(fields[0], str) and len(fields[0]) < 10_000:
        return getattr(importlib.import_module(module), attribute)(fields[0])
    beyond = len(fields) - len(EXACT.get(name, ()))
    if name not in EXACT or beyond not in (0, ZONED.get(name, 0)) or not all(type(field) is int for field in fields):
        raise Malformed(f"not a {name}")
    kind = getattr(importlib.import_module(module), attribute)
    if name == "uuid.UUID":
        return kind(int=fields[0])
    if not beyond:
        return kind(*fields)
    from datetime import timedelta, timezone

    return kind(*fields[:-1], tzinfo=timezone(timedelta(seconds=fields[-1])))


def read_reference(tag: bytes) -> Reader:
    def read(decoder: Decoder, depth: int) -> Any:
        number, hint = NUMBER.unpack(decoder.take(8))[0], decoder.take(1)
        if decoder.resolve is None:
            raise Malformed("a reference where only data is read")
        return decoder.resolve(tag, number, hint)

    return read


def read_described(decoder: Decoder, depth: int) -> Any:
    """An object or a class of the program, and what is known of it: its reader makes of both what it wants. Nothing in it has a number."""
    numbers, decoder.number = decoder.number, False
    try:
        items = decoder.items(depth)
    finally:
        decoder.number = numbers
    if decoder.resolve is None or len(items) != 2 or not isinstance(items[0], int):
        raise Malformed("a reference where only data is read")
    return decoder.resolve(b"o", items[0], items[1])


def read_record(decoder: Decoder, depth: int) -> Any:
    """A named tuple."""
    name, fields, *items = decoder.items(depth)
    if type(fields) is not tuple or len(fields) != len(items) or not all(type(one) is str for one in (name, *fields)):
        raise Malformed("not a named tuple")
    kind = decoder.record(name, fields) if decoder.record else None
    return kind(*items) if kind is not None else tuple(items)


def read_array(decoder: Decoder, depth: int) -> Any:
    kind, shape, data = decoder.items(depth)
    if not NUMPY_TYPE.fullmatch(kind) or not all(type(size) is int and size >= 0 for size in shape) or len(shape) > 32:
        raise Malformed("not an array")
    import numpy

    return numpy.frombuffer(data, dtype=kind).reshape(shape).copy()


def read_machine_array(decoder: Decoder, depth: int) -> Any:
    from array import array

    kind, data = decoder.items(depth)
    if len(kind) != 1 or kind not in ARRAY_TYPES:
        raise Malformed("not an array")
    made = array(kind)
    made.frombytes(data)
    return made


def read_view(decoder: Decoder, depth: int) -> Any:
    kind, items = decoder.items(depth)
    if kind == "dict_keys":
        return dict.fromkeys(items).keys()
    return dict(items).items() if kind == "dict_items" else dict(enumerate(items)).values()


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
    b"p": read_record,
    b"A": read_array,
    b"Y": read_machine_array,
    b"S": lambda decoder, depth: slice(*decoder.items(depth)),
    b"v": read_view,
    b"o": read_described,
    b"h": read_reference(b"h"),
    b"g": read_reference(b"g"),
    **{tag: read_mutable(tag) for tag in NEW},
}


def decode(data: bytes) -> Any:
    """The inverse of `encode`; an object of a subclass comes back as its base value. Raises Malformed."""
    return Decoder(data).decode()
