"""Mode `call`: a program whose names and objects are used from outside, one frame an operation.

After the program's own lines have run the answer is `R`; from then on every frame is what the tests did to containers that the
program holds (`shared`), and an operation on a global name or on an object that stayed here. Its answer is

    V changes printed value   what came of it, what it did to containers that the tests hold, what it wrote
    E changes printed error   an exception, see `Server.raised`
    L                         the value is larger than may travel
    K request                 the program uses an object that the tests lent it; frames are operations until `k` value or
                              `x` exception comes

An object that stays here travels as its number and a hint (`f` can be called, `c` a class, `i` an iterator, `a` a coroutine,
`-` anything else), or with what is known of it: the fields of an object whose class compares by its own `__eq__`, the base value
of one whose class the program made below a built-in one, and the bases of an exception's class.

Nothing here is guarded against the program, which shares the process: whatever it makes of these frames is only data to the
reader, and no expected value ever comes in.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import math
import operator
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from . import decoding, encoding, shared, values
from .program import described, loaded

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
PRINTED_BYTES = 1 << 16
Operation = Callable[..., Any]


def main(source: bytes, channel: Any) -> None:
    """Run the program, then serve operations until the host has finished."""
    program = loaded(source, provided=False)
    channel.send(b"R")
    server = Server(program, channel)
    while (frame := channel.receive()) is not None:
        channel.send(server.answer(frame))


class Server:
    """Operations on one program's names and objects."""

    def __init__(self, program: types.ModuleType, channel: Any) -> None:
        self.names = program.__dict__
        self.channel = channel
        self.objects: list[Any] = []  # what stays here, by its number
        self.numbers: dict[int, int] = {}
        self.lent: dict[int, Lent] = {}  # objects of the tests, by their number there
        self.under_way: set[int] = set()  # objects whose fields are being written
        self.shared = shared.Shared(self.refer)
        self.depth = 0
        self.loop: Any = None
        self.read: int | None = None  # bytes of stdout that the tests have seen; None: they do not want them

    def answer(self, frame: bytes) -> bytes:
        """One operation, one answer. Operations can be in one another, where the program uses an object of the tests."""
        self.depth += 1
        try:
            return self.answered(frame)
        finally:
            self.depth -= 1
            if self.depth == 0:
                self.shared.forget()

    def answered(self, frame: bytes) -> bytes:
        reader = self.reader(frame)
        for number, content in shared.unpacked(reader):
            self.change(number, content)
        reader.known, reader.number, reader.first = self.shared.table(), True, self.shared.first(0)
        operation, target, arguments, keywords = reader.decode()
        passed = {*self.shared.add(0, reader.kept), *(reader.met & self.shared.held.keys())}
        known = self.shared.numbers(passed)
        before = {number: self.whole(number, known) for number in passed}
        try:
            value = OPERATIONS[operation](self, target, *arguments, **keywords)
        except MemoryError:  # its end, as for any other program: the memory limit, not an exception of the program
            raise
        except Exception as error:  # noqa: BLE001 - whatever the program raises
            return self.head(b"E", before) + self.raised(error)
        head = self.head(b"V", before)
        encoder = encoding.Encoder(
            known=self.shared.numbers(passed), number=True, refer=self.refer, first=self.shared.first(shared.HANDED_OUT)
        )
        try:
            written = encoder.encode(value)
        except values.TooLarge:
            return b"L"
        except (values.Unencodable, RecursionError):
            return head + self.number(value, b"-")
        self.shared.add(shared.HANDED_OUT, encoder.kept)
        return head + written

    def reader(self, data: bytes) -> decoding.Decoder:
        return decoding.Decoder(data, self.shared.table(), resolve=self.resolve, record=self.record)

    def change(self, number: int, content: bytes) -> None:
        """What the tests did to a container."""
        if not content:
            self.shared.held[number].content = None
            return
        reader = self.reader(content)
        with contextlib.suppress(Exception):  # a class of the program
            reader.fill(reader.take(1), self.shared.held[number].container, 0)
        self.shared.note(number)

    def whole(self, number: int, known: dict[int, int]) -> bytes | None:
        return self.shared.content(number, 16 * values.MAX_BYTES, known)

    def head(self, kind: bytes, before: dict[int, bytes | None]) -> bytes:
        """The containers whose content is another one now, and what has been printed."""
        changes, known = [], self.shared.numbers(before)
        for number, content in before.items():
            now = self.whole(number, known)
            if now is not None and now != content:
                changes.append((number, now))
            self.shared.note(number)
        return kind + shared.packed([*changes, *self.shared.changed()]) + encoding.sized(self.printed())

    def printed(self) -> bytes:
        if self.read is None:
            return b""
        sys.stdout.flush()
        data = os.pread(1, PRINTED_BYTES, self.read)
        self.read += len(data)
        return data

    def watch(self) -> None:
        """From now on answers say what the program writes."""
        sys.stdout.flush()
        self.read = os.fstat(1).st_size

    def raised(self, error: Exception) -> bytes:
        """The names of its built-in classes, its arguments, how it prints, and of its own class: bases, text and attributes."""
        names, arguments, text = described(error)
        own = self.bases(type(error))
        kept = {}
        for name, value in list(vars(error).items()):
            try:
                encoding.Encoder(10_000, refer=self.refer).encode(value)
                kept[str(name)] = value
            except Exception:  # noqa: BLE001 - a value of any kind
                continue
        try:
            message = str(str(error))[:10_000]
        except Exception:  # noqa: BLE001 - its own __str__
            message = text
        return encoding.Encoder(refer=self.refer).encode((names, arguments, text, own, message, kept))

    def bases(self, kind: type) -> list[tuple[int, str, str]]:
        """(number, module, name) of the classes above `kind`, itself first, down to the first built-in one."""
        found = []
        for one in kind.__mro__:
            if getattr(builtins, one.__name__, None) is one:
                break
            found.append((self.place(one), str(one.__module__), one.__name__))
        return found

    def place(self, value: Any) -> int:
        number = self.numbers.setdefault(id(value), len(self.objects))
        if number == len(self.objects):
            self.objects.append(value)
        return number

    def number(self, value: Any, hint: bytes) -> bytes:
        return b"h" + values.NUMBER.pack(self.place(value)) + hint

    def refer(self, value: Any) -> bytes | None:
        """An object stays here and travels as a number; None: as its base value, which is all there is to it."""
        if isinstance(value, Lent):
            return b"g" + values.NUMBER.pack(value.number) + b"-"
        kind = type(value)
        if encoding.base_of(kind) is not None:
            return self.with_stored(value)
        if isinstance(value, type):
            return self.known_class(value)
        if isinstance(value, types.CoroutineType):
            return self.number(value, b"a")
        if isinstance(value, Iterator):
            return self.number(value, b"i")
        if kind.__eq__ is not object.__eq__ and not isinstance(
            value, types.FunctionType | types.MethodType | types.ModuleType
        ):
            return self.with_fields(value)
        return self.number(value, b"f" if callable(value) else b"-")

    def known_class(self, kind: type) -> bytes:
        fields = encoding.fields_of(kind) if issubclass(kind, tuple) else None
        if issubclass(kind, Exception):
            names = [one.__name__ for one in kind.__mro__ if getattr(builtins, one.__name__, None) is one]
            known: Any = ("exception", self.bases(kind), names)
        elif fields is not None:
            known = ("record", kind.__name__, fields, getattr(kind, "_field_defaults", None) or {})
        else:
            return self.number(kind, b"c")
        return self.described(kind, known)

    def described(self, value: Any, known: Any) -> bytes:
        try:
            written = encoding.Encoder(refer=self.refer).encode([self.place(value), known])
        except (values.TooLarge, values.Unencodable, RecursionError):
            return self.number(value, b"-")
        return b"o" + written[1:]  # the list's items under a tag of their own

    def with_fields(self, value: Any) -> bytes:
        return self.once(value, lambda: self.described(value, ("object", self.place(type(value)), self.fields(value))))

    def once(self, value: Any, write: Callable[[], bytes]) -> bytes:
        """An object that holds itself travels as its number there."""
        if id(value) in self.under_way:
            return self.number(value, b"-")
        self.under_way.add(id(value))
        try:
            return write()
        finally:
            self.under_way.discard(id(value))

    def fields(self, value: Any) -> dict[str, Any]:
        fields = dict(getattr(value, "__dict__", None) or {})
        for kind in type(value).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if hasattr(value, name):
                    fields[name] = getattr(value, name)
        return fields

    def with_stored(self, value: Any) -> bytes | None:
        """An object of a class that the program made below a built-in one: it has methods that no value has. One that can change stays here."""
        kind = type(value)
        if kind.__module__ != "solution" or (issubclass(kind, tuple) and encoding.fields_of(kind) is not None):
            return None
        changes = encoding.base_of(kind) in encoding.MUTABLE
        known = [self.place(kind), self.fields(value)] if changes else [self.place(kind), kind.__name__]

        def write() -> bytes:
            encoder = encoding.Encoder(refer=self.refer)
            encoder.put(b"o" + values.COUNT.pack(2))
            encoder.add(self.place(value))
            encoder.put(b"t" + values.COUNT.pack(4))
            for part in ("holder" if changes else "value", *known):
                encoder.add(part)
            encoder.add_stored(value)
            return b"".join(encoder.parts)

        try:
            return self.once(value, write)
        except (values.TooLarge, values.Unencodable, RecursionError):
            return self.number(value, b"-")

    def resolve(self, tag: bytes, number: int, hint: bytes) -> Any:
        if tag == b"h":
            return self.objects[number]
        kind = LentIterator if hint == b"i" else Lent
        return self.lent.setdefault(number, kind(self, number))

    def record(self, name: str, fields: tuple[str, ...]) -> Any:
        kind = self.names.get(name)
        return kind if isinstance(kind, type) and getattr(kind, "_fields", None) == fields else None

    def find(self, target: Any) -> Any:
        """A text is the name of a global; anything else is meant itself."""
        if type(target) is not str:
            return target
        try:
            return self.names[target]
        except KeyError:
            raise NameError(f"name {target!r} is not defined") from None

    def awaited(self, awaitable: Any) -> Any:
        """Run it to its end. All share one loop: an asynchronous generator stays in the one where it began."""
        import asyncio

        async def whole() -> Any:
            return await awaitable

        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        return self.loop.run_until_complete(whole())

    def borrow(self, number: int, operation: str, *arguments: Any, **keywords: Any) -> Any:
        """Use an object of the tests; meanwhile they may use the program."""
        encoder = encoding.Encoder(refer=self.refer)
        self.channel.send(b"K" + encoder.encode((number, operation, list(arguments), keywords)))
        while (reply := self.channel.receive()) is not None:
            if reply[:1] == b"k":
                return decoding.Decoder(reply[1:], resolve=self.resolve, record=self.record).decode()
            if reply[:1] == b"x":
                raise an_error(decoding.decode(reply[1:]))
            self.channel.send(self.answer(reply))
        raise SystemExit


def an_error(described: Any) -> Exception:
    """What an object of the tests raised."""
    name, arguments = described
    kind = values.NAMED.get(name, RuntimeError)
    try:
        error = kind(*arguments)
    except Exception:  # noqa: BLE001 - arguments that the class does not take
        error = None
    return error if isinstance(error, Exception) else RuntimeError(*arguments)


class Lent:
    # An object of the tests, as the program sees it. No docstring: what the program asks for is the object's own.

    def __init__(self, server: Server, number: int) -> None:
        self.__dict__.update(server=server, number=number)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.server.borrow(self.number, "call", *arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name not in ("__name__", "__doc__", "__qualname__"):
            raise AttributeError(name)
        return self.server.borrow(self.number, "get", name)

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return self.server.borrow(self.number, "get", "__doc__")

    def __setattr__(self, name: str, value: Any) -> None:
        self.server.borrow(self.number, "set", name, value)

    def __getitem__(self, key: Any) -> Any:
        return self.server.borrow(self.number, "item", key)

    def __len__(self) -> int:
        return int(self.server.borrow(self.number, "length"))

    def __iter__(self) -> Any:
        return self.server.borrow(self.number, "iterate")

    def __enter__(self) -> Any:
        return self.server.borrow(self.number, "enter")

    def __exit__(self, *_: object) -> None:
        self.server.borrow(self.number, "exit")

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lent) and other.number == self.number

    def __hash__(self) -> int:
        return hash(("lent", self.number))


class LentIterator(Lent):
    """An iterator of the tests."""

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self.server.borrow(self.number, "next")


class Handed(Iterator[Any]):
    """An iterator that stays here, whatever its type."""

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator

    def __next__(self) -> Any:
        return next(self.iterator)


def left(target: Any, error: Any) -> Any:
    """The end of a `with` of the tests; `error` is the exception that came, by name and arguments."""
    if error is None:
        return type(target).__exit__(target, None, None, None)
    made = an_error(error)
    return type(target).__exit__(target, type(made), made, None)


def seeded(*arguments: Any) -> None:
    import random

    random.seed(*arguments)


CONVERSIONS: dict[str, Operation] = {
    "int": int,
    "float": float,
    "round": round,
    "complex": complex,
    "index": operator.index,
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "bytes": bytes,
}


def binary(server: Server, target: Any, name: str, other: Any, swapped: bool = False) -> Any:
    function = divmod if name == "divmod" else getattr(operator, name)
    return function(other, target) if swapped else function(target, other)


OPERATIONS: dict[str, Operation] = {
    "call": lambda server, target, /, *arguments, **keywords: server.find(target)(*arguments, **keywords),
    "name": lambda server, target: server.find(target),
    "object": lambda server, target: target,
    "watch": lambda server, target: server.watch(),
    "get": lambda server, target, name: getattr(server.find(target), name),
    "set": lambda server, target, name, value: setattr(server.find(target), name, value),
    "delete": lambda server, target, name: delattr(server.find(target), name),
    "item": lambda server, target, key: server.find(target)[key],
    "setitem": lambda server, target, key, value: operator.setitem(server.find(target), key, value),
    "delitem": lambda server, target, key: operator.delitem(server.find(target), key),
    "length": lambda server, target: len(server.find(target)),
    "iterate": lambda server, target: Handed(iter(server.find(target))),
    "reversed": lambda server, target: Handed(reversed(server.find(target))),
    "next": lambda server, target: next(target),
    "format": lambda server, target, how: format(server.find(target), how),
    "class": lambda server, target: type(server.find(target)),
    "callable": lambda server, target: callable(server.find(target)),
    "copy": lambda server, target: copy.copy(server.find(target)),
    "deepcopy": lambda server, target: copy.deepcopy(server.find(target)),
    "text": lambda server, target: str(server.find(target)),
    "repr": lambda server, target: repr(server.find(target)),
    "truth": lambda server, target: bool(server.find(target)),
    "isinstance": lambda server, target, kind: isinstance(target, server.find(kind)),
    "issubclass": lambda server, target, kind: issubclass(target, server.find(kind)),
    "enter": lambda server, target: type(target).__enter__(target),
    "exit": lambda server, target, error=None: left(target, error),
    "await": lambda server, target: server.awaited(target),
    "aiter": lambda server, target: type(target).__aiter__(target),
    "anext": lambda server, target: server.awaited(type(target).__anext__(target)),
    "aenter": lambda server, target: server.awaited(type(target).__aenter__(target)),
    "aexit": lambda server, target: server.awaited(type(target).__aexit__(target, None, None, None)),
    "convert": lambda server, target, name, *digits: CONVERSIONS[name](target, *digits),
    "seed": lambda server, target, *arguments: seeded(*arguments),
    "binary": binary,
    "unary": lambda server, target, name: getattr(operator, name)(target),
}
