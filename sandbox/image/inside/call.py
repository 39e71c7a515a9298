"""Mode `call`: a program whose functions are called from outside, one frame an operation.

After the program's own lines have run the answer is `R`; from then on every frame is an operation on a global name or on an
object that stayed here, and its answer is

    V changes value      what came of it, and what it did to the containers among its arguments
    E changes error      an exception: the names of its built-in classes, and its arguments
    L                    the value is larger than may travel
    K function arguments the program calls a function that the tests lent it; the next frame is `k` value or `x`

Nothing here is guarded against the program, which shares the process: whatever it makes of these frames is only data to the
reader, and no expected value ever comes in.
"""

from __future__ import annotations

import builtins
import struct
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

from . import decoding, encoding, values

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
EXIT_COMPILE = 101  # see child.py
NUMBER = struct.Struct("<Q")
Operation = Callable[..., Any]


def main(source: bytes, channel: Any) -> None:
    """Run the program, then serve operations until the host has finished."""
    try:
        code = compile(source, "program.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        sys.excepthook(type(error), error, None)
        raise SystemExit(EXIT_COMPILE) from None
    program = types.ModuleType("solution")
    program.__dict__["__builtins__"] = builtins  # the common ones, not this module's copy
    sys.modules["solution"] = program
    sys.setrecursionlimit(sys.getrecursionlimit() + 12)  # the frames between here and a called function
    exec(code, program.__dict__)
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

    def answer(self, frame: bytes) -> bytes:
        """One operation, one answer."""
        containers: list[Any] = []
        reader = decoding.Decoder(frame, containers, number=True, resolve=self.resolve)
        operation, target, arguments, keywords = reader.decode()
        known = {id(container): number for number, container in enumerate(containers)}
        before = [self.content(container, known) for container in containers]
        try:
            value = OPERATIONS[operation](self, target, *arguments, **keywords)
        except MemoryError:  # its end, as for any other program: the memory limit, not an exception of the program
            raise
        except Exception as error:  # noqa: BLE001 - whatever the program raises
            return self.changes(b"E", containers, known, before) + encoding.encode(described(error))
        head = self.changes(b"V", containers, known, before)
        try:
            return head + encoding.Encoder(known=known, refer=self.refer).encode(value)
        except values.TooLarge:
            return b"L"
        except (values.Unencodable, RecursionError):
            return head + self.refer(value)

    def content(self, container: Any, known: dict[int, int]) -> bytes:
        return encoding.Encoder(16 * values.MAX_BYTES, known, refer=self.refer).content(container)

    def changes(self, kind: bytes, containers: list[Any], known: dict[int, int], before: list[bytes]) -> bytes:
        """The containers whose content is another one now."""
        changed = []
        for number, container in enumerate(containers):
            try:
                now = self.content(container, known)
            except (values.TooLarge, values.Unencodable):
                continue
            if now != before[number]:
                changed.append(values.COUNT.pack(number) + encoding.sized(now))
        return kind + values.COUNT.pack(len(changed)) + b"".join(changed)

    def refer(self, value: Any) -> bytes:
        """An object stays here and travels as a number."""
        if isinstance(value, Lent):
            return b"g" + NUMBER.pack(value.number)
        number = self.numbers.setdefault(id(value), len(self.objects))
        if number == len(self.objects):
            self.objects.append(value)
        return b"h" + NUMBER.pack(number)

    def resolve(self, tag: bytes, number: int) -> Any:
        return self.objects[number] if tag == b"h" else Lent(self, number)

    def find(self, target: Any) -> Any:
        """A text is the name of a global; anything else is meant itself."""
        if not isinstance(target, str):
            return target
        try:
            return self.names[target]
        except KeyError:
            raise NameError(f"name {target!r} is not defined") from None


class Lent:
    """A function of the tests, as the program sees it: it can be called."""

    def __init__(self, server: Server, number: int) -> None:
        self.server, self.number = server, number

    def __call__(self, *arguments: Any) -> Any:
        server = self.server
        request = encoding.Encoder(refer=server.refer).encode((self.number, list(arguments)))
        server.channel.send(b"K" + request)
        reply = server.channel.receive() or b"x"
        if reply[:1] != b"k":
            raise RuntimeError("a function of the tests failed")
        return decoding.Decoder(reply[1:], resolve=server.resolve).decode()


def described(error: BaseException) -> tuple[list[str], list[Any], str]:
    """Its built-in classes from the nearest one, its arguments, and how it prints."""
    names = [kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind]
    try:
        arguments = list(error.args)
        encoding.encode(arguments, 10_000)
    except Exception:  # noqa: BLE001 - arguments of any kind, by a class of any kind
        arguments = []
    try:
        text = "".join(traceback.format_exception_only(type(error), error))[-500:]
    except Exception:  # noqa: BLE001 - its own __str__
        text = type(error).__name__
    return names, arguments, text


def call_function(server: Server, target: str, *arguments: Any) -> Any:
    """A function by name, else the method of that name of a fresh `Solution()` (how LeetCode states its problems)."""
    if target not in server.names and "Solution" in server.names:
        return getattr(server.names["Solution"](), target)(*arguments)
    return server.find(target)(*arguments)


OPERATIONS: dict[str, Operation] = {
    "function": call_function,
    "call": lambda server, target, /, *arguments, **keywords: server.find(target)(*arguments, **keywords),
    "name": lambda server, target: server.find(target),
    "get": lambda server, target, name: getattr(server.find(target), name),
    "set": lambda server, target, name, value: setattr(server.find(target), name, value),
    "item": lambda server, target, key: server.find(target)[key],
    "length": lambda server, target: len(server.find(target)),
    "iterate": lambda server, target: Handed(iter(server.find(target))),
    "next": lambda server, target: next(target.iterator),
    "text": lambda server, target: str(server.find(target)),
    "truth": lambda server, target: bool(server.find(target)),
    "isinstance": lambda server, target, kind: isinstance(target, server.find(kind)),
}


class Handed:
    """An iterator that stays here, whatever its type."""

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator
