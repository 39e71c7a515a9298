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
import os
import sys
import types
from typing import Any

from . import decoding, encoding, shared, values
from .lent import Lent, LentIterator, an_error
from .operations import OPERATIONS
from .program import described, loaded
from .referring import Referring

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
PRINTED_BYTES = 1 << 16


def main(source: bytes, channel: Any) -> None:
    """Run the program, then serve operations until the host has finished."""
    program = loaded(source, provided=False)
    channel.send(b"R")
    server = Server(program, channel)
    while (frame := channel.receive()) is not None:
        channel.send(server.answer(frame))


class Server(Referring):
    """Operations on one program's names and objects."""

    def __init__(self, program: types.ModuleType, channel: Any) -> None:
        super().__init__()
        self.names = program.__dict__
        self.channel = channel
        self.lent: dict[int, Lent] = {}  # objects of the tests, by their number there
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
        reader.known, reader.number, reader.first = self.shared.table, True, self.shared.first(0)
        operation, target, arguments, keywords = reader.decode()
        passed = {*self.shared.add(0, reader.kept), *(reader.met & self.shared.held.keys())}
        known = self.shared.numbers(passed)
        before = {number: self.whole(number, known) for number in passed}
        try:
            value = OPERATIONS[operation](self, target, *arguments, **dict(keywords))
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
        return decoding.Decoder(data, self.shared.table, resolve=self.resolve, record=self.record)

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

    def borrow(self, number: int, operation: str, /, *arguments: Any, **keywords: Any) -> Any:
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
