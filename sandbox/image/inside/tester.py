"""Mode `tester`: trusted tests in a process of their own, with stand-ins for the names of the program.

The source is an encoded mapping: `prompt` (text whose helpers the tests may use), `code` (the tests, rewritten by
sandbox/grading/rewriting.py: asserts report `passed(n)` / `failed(n)`, names of the program are asked for), `names` (what the
program defines), `modules`, `apart` (constants of the program that must differ), `watch` (whether what it prints matters), `arrays` (whether numpy is used). An
operation on the program goes out as `?` and a frame of call.py; the report at the end is `!` and a mapping. With `ahead` (the code
once more, see ahead.py) the operations that can be foreseen go out first, as `*` and all their frames, and `~` instead of a report says
that the tests have strayed from them. What comes back is data: equality, hashing and truth of plain values are this interpreter's own, and objects of the program are compared here, by
their fields (`remote`).
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import types
import unittest
from collections import deque
from typing import Any

from . import arrays, decoding, encoding, guards, pytest_like, shared, values
from .failures import MAX_TEXT, ProgramEnded, ProgramError, marked, text_of
from .lending import LENDING, lending
from .remote import Remote
from .standing import Standing, stays
from .telling import involved, telling
from .values import NUMBER

THREADS = re.compile(r"\bthreading\b|ThreadPool")
UNCOUNTED = ("name", "get", "object", "watch", "seed", "text", "repr", "class", "callable")
# Their first argument is the name of an attribute or operator.
NAMING = frozenset(["get", "set", "delete", "convert", "binary", "unary"])


def main(source: bytes, channel: Any) -> None:
    """Run the tests and report."""
    request = decoding.decode(source)
    tests = Tests(channel)
    sys.modules.setdefault("pytest", pytest_like)
    if request["ahead"] and not THREADS.search(request["code"]):
        tests.look_ahead(request)
    tests.run(request)
    channel.send(b"~" if tests.strayed else b"!" + encoding.encode(tests.report()))
    channel.receive()


class Tests(Standing):
    """One run of one set of tests."""

    def __init__(self, channel: Any) -> None:
        super().__init__()
        self.channel = channel
        self.lent_numbers: dict[int, int] = {}  # id -> place in `lent`: one object there is one object here
        self.constants: dict[str, Any] = {}
        self.apart: list[str] = []
        self.outcomes: dict[str, Any] = {}  # the values of those
        self.known_passed: set[int] = set()
        self.known_failed: dict[int, tuple[str, bool]] = {}  # why, and whether the program raised
        self.calls = self.operations = 0
        self.ended = self.completed = self.raised = self.watches = self.strayed = False
        self.error, self.numbers_only = "", False
        self.turn: Any = contextlib.nullcontext()
        self.shared = shared.Shared(self.refer_to_known)
        self.depth = 0
        self.answered: deque[tuple[bytes, bytes]] = deque()  # operations that were foreseen, with their answers

    def look_ahead(self, request: dict[str, Any]) -> None:
        """Have all operations answered that can be foreseen, with one message."""
        from .ahead import foreseen  # it is made of this module

        frames = foreseen(request)
        if len(frames) > 1:
            self.channel.send(b"*" + b"".join(map(values.piece, frames)))
            answers = self.channel.receive() or b""
            self.answered.extend(zip(frames, values.pieces(answers), strict=False))  # fewer where the program ended

    def run(self, request: dict[str, Any]) -> None:
        """Everything the tests see: helpers of the prompt, modules they name, stand-ins, and what the rewriting calls."""
        self.numbers_only = not guards.EXPECTED_NAN.search(request["code"])
        module = types.ModuleType("tests")
        sys.modules["tests"] = module
        namespace = module.__dict__
        if THREADS.search(request["code"]):
            import threading  # not before: it runs code after every fork

            self.turn = threading.RLock()
        try:
            if request["arrays"]:
                arrays.guard()
            if request["prompt"]:
                exec(compiled(request["prompt"]), namespace)
            for name in request["modules"]:
                namespace[name] = importlib.import_module(name)
            namespace.update({name: Remote(self, name) for name in request["names"]})
            namespace.update(self.names() | {"__file__": "tests.py"})
            self.apart = request["apart"]
            if request["watch"]:
                self.ask("watch", None)
                self.watches = True
            exec(compile(request["code"], "tests.py", "exec"), namespace)
            self.completed = True
        except ProgramEnded:
            self.error = "the program ended"
        except BaseException as error:  # noqa: BLE001 - whatever a test raises
            self.raised, self.error = hasattr(error, "_restem_raised"), text_of(error)

    # ------------------------------------------------------------ what the rewritten tests call

    def names(self) -> dict[str, Any]:
        return {
            "_restem_passed": self.passed, "_restem_failed": self.failed, "_restem_name": self.named, "_restem_case": self.case,
            "_restem_function": self.function, "_restem_seed": self.seed, "_restem_type": self.type_of, "_restem_callable": self.can_be_called,
            "_restem_apart": self.kept_apart, **guards.NAMES,
        }  # fmt: skip

    def passed(self, number: int) -> None:
        self.known_passed.add(number)

    def failed(self, number: int, error: BaseException | None = None) -> None:
        """An assert that does not hold, or (`error`) that could not be evaluated."""
        why = ("", False) if error is None else (text_of(error), hasattr(error, "_restem_raised"))
        self.known_failed.setdefault(number, why)

    def named(self, name: str) -> Any:
        """The value of a global of the program, now."""
        known = self.constants.get(name)
        if isinstance(known, Remote | type):  # stays what it is
            return known
        value = self.constants[name] = self.ask("name", Remote(self, name))
        if isinstance(value, Remote):
            object.__setattr__(value, "_restem_titled", name.lstrip("_")[:1].isupper())
        return self.kept_apart(name, value) if name in self.apart else value

    def kept_apart(self, name: str, value: Any) -> Any:
        """A constant of the program that outcomes are compared with: no other one is the same."""
        for other, known in self.outcomes.items():
            if other != name and same(known, value):
                raise marked(ProgramError("one"), f"{name} and {other} are the same")
        self.outcomes[name] = value
        return value

    def case(self, number: int, kind: type, name: str) -> None:
        """One method of a unittest class."""
        result = Result()
        unittest.TestSuite([kind(name)]).run(result)
        if result.first is not None or result.testsRun != 1 or result.skipped:
            self.failed(number, result.first or AssertionError("the test did not run"))
        else:
            self.passed(number)

    def function(self, number: int, function: Any) -> None:
        """One test function, as pytest would run it."""
        before = self.operations
        try:
            pytest_like.run(function)
        except Exception as error:  # noqa: BLE001 - whatever a test raises
            if not isinstance(error, pytest_like.Skipped) or self.operations > before:  # else it is no test
                self.failed(number, error)
        else:
            self.passed(number)

    def type_of(self, value: Any) -> Any:
        """The class of a value: of an object of the program, its class there."""
        if isinstance(value, Remote) or stays(value):
            return self.ask("class", value)
        return arrays.OF_EMPTY.get(type(value), type(value))

    def can_be_called(self, value: Any) -> bool:
        return self.ask("callable", value) is True if isinstance(value, Remote) else callable(value)

    def seed(self, *arguments: Any) -> None:
        """The program draws its random numbers from the same seed."""
        self.ask("seed", None, *arguments)

    def report(self) -> dict[str, Any]:
        return {
            "passed": sorted(self.known_passed - set(self.known_failed)), "failed": self.known_failed, "calls": self.calls,
            "completed": self.completed and not self.ended, "raised": self.raised, "error": self.error,
        }  # fmt: skip

    # ------------------------------------------------------------ the program

    def ask(self, operation: str, target: Any, /, *arguments: Any, **keywords: Any) -> Any:
        """One operation on the program, its value or its exception; several threads take turns."""
        with self.turn:
            return self._ask(operation, target, *arguments, **keywords)

    def _ask(self, operation: str, target: Any, /, *arguments: Any, **keywords: Any) -> Any:
        name = object.__getattribute__(target, "_restem_name") if isinstance(target, Remote) else None
        frame, passed, told = self.framed(operation, target if name is None else name, arguments, keywords)
        origins = involved(target, *arguments, *keywords.values())
        for number, held in self.shared.held.items():
            if number in passed:
                held.origins, held.shown = held.origins | origins, False
            elif told and not held.origins & origins:
                held.shown = True  # from now on: the program can wait with what it makes of what it was told
        self.calls, self.operations = self.calls + (operation not in UNCOUNTED), self.operations + 1
        self.depth += 1
        try:
            return self.answer(frame, passed, origins, told, operation)
        finally:
            self.depth -= 1
            if self.depth == 0:
                self.shared.forget()

    def framed(self, operation: str, target: Any, arguments: Any, keywords: Any) -> tuple[bytes, set[int], bool]:
        """An operation as a frame, the containers that it passes, and whether it tells the program anything new."""
        changes, first = self.shared.changed(), -1
        while first != self.shared.first(0):  # else a name among the arguments was asked for, which took numbers
            first = self.shared.first(0)
            encoder = encoding.Encoder(
                16 * values.MAX_BYTES, self.shared.numbers(), number=True, refer=self.refer, first=first
            )
            written = encoder.encode((operation, target, arguments, tuple(keywords.items())))
        passed = {*self.shared.add(0, encoder.kept), *(encoder.met & self.shared.held.keys())}
        told = bool(changes) or any(map(telling, (*arguments[operation in NAMING :], *keywords.values())))
        return shared.packed(changes) + written, passed, told

    def answer(self, frame: bytes, passed: set[int], origins: frozenset[Any], told: bool, operation: str) -> Any:
        reply = self.exchange(frame)
        while reply[:1] == b"K":
            reply = self.exchange(self.borrowed(reply[1:]))
        reader = self.reader(reply[1:])
        for number, content in shared.unpacked(reader):
            held = self.shared.held.get(number)
            if held is None:
                raise values.Malformed("no such container")
            known = number in passed or bool(held.origins & origins)
            self.change(number, content, known or not (told or held.shown), origins)
        printed = reader.sized()
        if printed and self.watches:
            sys.stdout.write(printed.decode("utf-8", "replace"))
        if reply[:1] == b"E":
            error = self.exception(reader.decode())
            if isinstance(error, StopIteration) and operation != "next":
                raise marked(ProgramError(text_of(error)), text_of(error))  # it would end a loop of the tests early
            raise error
        reader.known, reader.number, reader.first = self.shared.table, True, self.shared.first(shared.HANDED_OUT)
        value = reader.decode()
        if self.numbers_only:
            guards.check_numbers(reply, value)
        self.shared.add(shared.HANDED_OUT, reader.kept, origins | involved(value))
        for number in passed:
            self.shared.held[number].origins |= involved(value)
        return value

    def reader(self, data: bytes) -> decoding.Decoder:
        return decoding.Decoder(data, self.shared.table, resolve=self.resolve, record=self.record)

    def change(self, number: int, content: bytes, seen: bool, origins: frozenset[Any]) -> None:
        """What the program did to a container that the tests hold. Not `seen`: what they hold stays as it is, and the program has another one."""
        if not content:
            self.shared.held[number].content = None
            return
        reader, container = self.reader(content), self.shared.table[number]
        tag = reader.take(1)
        if encoding.base_of(type(container)) is not (bytearray if tag == b"a" else type(decoding.NEW[tag]())):
            raise values.Malformed("another type of container")
        if not seen:
            held, container = self.shared.held[number], bytearray() if tag == b"a" else decoding.NEW[tag]()
            held.container = container
            held.origins, held.shown = origins, False
        reader.fill(tag, container, 0)
        self.shared.note(number)

    def exchange(self, frame: bytes) -> bytes:
        if self.answered and self.answered[0][0] != frame:
            self.strayed = self.ended = True
        if not self.ended:
            reply = self.answered.popleft()[1] if self.answered else self.asked(frame)
            if reply is not None and reply[:1] in (b"V", b"E", b"K"):
                return bytes(reply)
        self.ended = True
        raise ProgramEnded

    def asked(self, frame: bytes) -> bytes | None:
        self.channel.send(b"?" + frame)
        reply: bytes | None = self.channel.receive()
        return reply

    # ------------------------------------------------------------ objects of the tests that the program uses

    def borrowed(self, request: bytes) -> bytes:
        """The program uses an object that a test gave it."""
        number, operation, arguments, keywords = decoding.Decoder(
            request, resolve=self.resolve, record=self.record
        ).decode()
        try:
            value = LENDING[operation](self.lent[number], *arguments, **keywords)
            return b"k" + encoding.Encoder(refer=self.refer).encode(value)
        except Exception as error:  # noqa: BLE001 - whatever the test's object raises
            name = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in values.NAMED)
            return b"x" + encoding.encode((name, [str(error)[:MAX_TEXT]]))

    def refer(self, value: Any) -> bytes | None:
        if encoding.base_of(type(value)) is not None:
            return self.refer_to_known(value)
        if isinstance(value, Remote):
            number = object.__getattribute__(value, "_restem_number")
            if number is not None:
                return b"h" + NUMBER.pack(number) + b"-"
            return self.refer(self.named(object.__getattribute__(value, "_restem_name")))
        number = getattr(value, "_restem_number", None) if isinstance(value, type | types.CoroutineType) else None
        if type(number) is int:
            return b"h" + NUMBER.pack(number) + b"-"
        hint = lending(value)
        if hint is None:
            return None
        number = self.lent_numbers.setdefault(id(value), len(self.lent))
        if number == len(self.lent):
            self.lent.append(value)  # and so it lives as long as its number counts
        return b"g" + NUMBER.pack(number) + hint

    def refer_to_known(self, value: Any) -> bytes | None:
        """An object of the program that has a number; for contents, which ask and lend nothing."""
        if isinstance(value, Remote):
            number = object.__getattribute__(value, "_restem_number")
        else:
            number = getattr(value, "__dict__", {}).get("_restem_value")
        return None if number is None else b"h" + NUMBER.pack(number) + b"-"


class Result(unittest.TestResult):
    """Keeps the first exception."""

    first: BaseException | None = None

    def addError(self, test: Any, err: Any) -> None:
        self.first = self.first or err[1]

    def addFailure(self, test: Any, err: Any) -> None:
        self.first = self.first or err[1]

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self.first = self.first or err[1]


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def compiled(prompt: str) -> Any:
    """A prompt may end before the body of its last function."""
    try:
        return compile(prompt, "prompt.py", "exec")
    except SyntaxError:
        return compile(f"{prompt.rstrip()}\n    pass\n", "prompt.py", "exec")
