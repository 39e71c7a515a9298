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
import io
import re
import sys
import types
import unittest
from collections import deque, namedtuple
from typing import Any

from . import arrays, decoding, encoding, pytest_like, shared, values
from .remote import Remote, identity, stand_in
from .values import NUMBER

MAX_TEXT = 500
TELLING = 4  # characters that a program would hardly guess
MOCKS = "unittest.mock"
MOCK_RECORDS = re.compile(
    r"assert_|(?:called|call_count|call_args|call_args_list|method_calls|return_value|side_effect)\Z|mock_|(?:reset|configure|attach)_mock"
)
THREADS = re.compile(r"\bthreading\b|ThreadPool")
UNCOUNTED = ("name", "get", "object", "watch", "seed", "text", "repr", "class", "callable")

NAMING = (
    "get",
    "set",
    "delete",
    "convert",
    "binary",
    "unary",
)  # their first argument is the name of an attribute or operator


class ProgramEnded(BaseException):
    """The program's process is gone; no `except Exception` of a test may hide that."""


class ProgramError(Exception):
    """What the program raised, where no built-in class tells."""


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


class Tests:
    """One run of one set of tests."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.lent: list[Any] = []  # objects of the tests that the program may use
        self.lent_numbers: dict[int, int] = {}  # id -> place in `lent`: one object there is one object here
        self.objects: dict[int, Any] = {}  # stand-ins by their number
        self.classes: dict[Any, Any] = {}  # exceptions and named tuples of the program, as classes of this process
        self.constants: dict[str, Any] = {}
        self.apart: list[str] = []
        self.known_passed: set[int] = set()
        self.known_failed: dict[int, tuple[str, bool]] = {}  # why, and whether the program raised
        self.calls = 0
        self.ended = self.completed = self.raised = self.watches = self.strayed = False
        self.error = ""
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
            namespace.update(self.names())
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
        if name in self.apart:
            for other in self.apart:
                if other != name and other in self.constants and same(self.constants[other], value):
                    raise marked(ProgramError("one"), f"{name} and {other} are the same")
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
        try:
            pytest_like.run(function)
        except Exception as error:  # noqa: BLE001 - whatever a test raises
            self.failed(number, error)
        else:
            self.passed(number)

    def type_of(self, value: Any) -> Any:
        """The class of a value: of an object of the program, its class there."""
        return self.ask("class", value) if isinstance(value, Remote) or stays(value) else type(value)

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

    def ask(self, operation: str, target: Any, *arguments: Any, **keywords: Any) -> Any:
        """One operation on the program, its value or its exception; of several threads one after the other."""
        with self.turn:
            return self._ask(operation, target, *arguments, **keywords)

    def _ask(self, operation: str, target: Any, *arguments: Any, **keywords: Any) -> Any:
        name = object.__getattribute__(target, "_restem_name") if isinstance(target, Remote) else None
        frame, passed, told = self.framed(operation, target if name is None else name, arguments, keywords)
        origins = involved(target, *arguments, *keywords.values())
        for number, held in self.shared.held.items():
            if number in passed:
                held.origins, held.shown = held.origins | origins, False
            elif told and not held.origins & origins:
                held.shown = True  # from now on: the program can wait with what it makes of what it was told
        self.calls += operation not in UNCOUNTED
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
        while first != self.shared.first(
            0
        ):  # else a name among the arguments was asked for meanwhile, which took numbers
            first = self.shared.first(0)
            encoder = encoding.Encoder(
                16 * values.MAX_BYTES, self.shared.numbers(), number=True, refer=self.refer, first=first
            )
            written = encoder.encode((operation, target, arguments, keywords))
        passed = {*self.shared.add(0, encoder.kept), *(encoder.met & self.shared.held.keys())}
        told = bool(changes) or any(map(telling, (*arguments[operation in NAMING :], *keywords.values())))
        return shared.packed(changes) + written, passed, told

    def answer(self, frame: bytes, passed: set[int], origins: frozenset[Any], told: bool, operation: str) -> Any:
        reply = self.exchange(frame)
        while reply[:1] == b"K":
            reply = self.exchange(self.borrowed(reply[1:]))
        reader, table = self.reader(reply[1:]), self.shared.table()
        for number, content in shared.unpacked(reader):
            held = self.shared.held.get(number)
            if held is None:
                raise values.Malformed("no such container")
            known = number in passed or bool(held.origins & origins)
            self.change(number, content, known or not (told or held.shown), table, origins)
        printed = reader.sized()
        if printed and self.watches:
            sys.stdout.write(printed.decode("utf-8", "replace"))
        if reply[:1] == b"E":
            error = self.exception(reader.decode())
            if isinstance(error, StopIteration) and operation != "next":
                raise marked(ProgramError(text_of(error)), text_of(error))  # it would end a loop of the tests early
            raise error
        reader.known, reader.number, reader.first = self.shared.table(), True, self.shared.first(shared.HANDED_OUT)
        value = reader.decode()
        self.shared.add(shared.HANDED_OUT, reader.kept, origins | involved(value))
        for number in passed:
            self.shared.held[number].origins |= involved(value)
        return value

    def reader(self, data: bytes) -> decoding.Decoder:
        return decoding.Decoder(data, self.shared.table(), resolve=self.resolve, record=self.record)

    def change(self, number: int, content: bytes, seen: bool, table: dict[int, Any], origins: frozenset[Any]) -> None:
        """What the program did to a container that the tests hold. Not `seen`: what they hold stays as it is, and the program has another one."""
        if not content:
            self.shared.held[number].content = None
            return
        reader, container = decoding.Decoder(content, table, resolve=self.resolve, record=self.record), table[number]
        tag = reader.take(1)
        if encoding.base_of(type(container)) is not (bytearray if tag == b"a" else type(decoding.NEW[tag]())):
            raise values.Malformed("another type of container")
        if not seen:
            held, container = self.shared.held[number], bytearray() if tag == b"a" else decoding.NEW[tag]()
            table[number] = held.container = container
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

    # ------------------------------------------------------------ what stands for the program's objects here

    def resolve(self, tag: bytes, number: int, hint: Any) -> Any:
        if tag == b"g":
            return self.lent[number]
        if tag == b"o":
            return self.known(number, hint)
        return stand_in(self, number, hint)

    def known(self, number: int, known: Any) -> Any:
        """An object with its fields, or a class that has one like it here."""
        if known[0] == "exception":
            return self.exception_class(known[1], known[2])
        if known[0] == "record":
            kind = self.record(known[1], known[2])
            kind.__new__.__defaults__ = tuple(known[3][name] for name in known[2] if name in known[3])
            kind._restem_number = number
            return kind
        if known[0] == "value":
            return self.value(number, known[1], known[2], known[3])
        found = stand_in(self, number, b"-")
        object.__setattr__(found, "_restem_fields", (known[1], known[2]))
        if known[0] == "holder":
            object.__setattr__(found, "_restem_stored", known[3])
            object.__setattr__(found, "_restem_fields", (known[1], known[2] | {"": known[3]}))
        return found

    def value(self, number: int, kind: int, name: str, stored: Any) -> Any:
        """A value of a class that the program made below a built-in one: here it is the built-in value, and what that has not is asked for."""
        base = type(stored)
        if base in encoding.MUTABLE or base not in encoding.BASES:
            raise values.Malformed("not a value")
        if (kind, base) not in self.classes:

            def missing(made: Any, attribute: str) -> Any:
                if attribute.startswith("_"):
                    raise AttributeError(attribute)
                return self.ask("get", made, attribute)

            self.classes[kind, base] = type(name, (base,), {"__getattr__": missing})
        if number not in self.objects or isinstance(self.objects[number], Remote):
            made = self.objects[number] = self.classes[kind, base](stored)
            made.__dict__["_restem_value"] = number
        return self.objects[number]

    def record(self, name: str, fields: tuple[str, ...]) -> Any:
        """The named tuple of this name and these fields."""
        if (name, fields) not in self.classes:
            base = namedtuple(name, fields)  # type: ignore[misc]

            def missing(made: Any, attribute: str) -> Any:
                if attribute.startswith("_"):
                    raise AttributeError(attribute)
                return self.ask("get", made, attribute)

            self.classes[name, fields] = type(name, (base,), {"__slots__": (), "__getattr__": missing})
        return self.classes[name, fields]

    def exception_class(self, own: Any, builtin: list[str]) -> type[Exception]:
        """A class of this process for one of the program's: below the same built-in class, one for each base in between."""
        found = next((kind for name in builtin if isinstance(kind := values.NAMED.get(name), type)), Exception)
        if not issubclass(found, Exception):
            found = Exception
        for number, module, name in reversed(own):
            key = ("exception", number)
            if key not in self.classes:
                at_home = getattr(sys.modules.get(module), name, None) if module in sys.stdlib_module_names else None
                if isinstance(at_home, type) and issubclass(at_home, Exception):
                    self.classes[key] = at_home
                else:
                    self.classes[key] = type(
                        name, (found,), {"_restem_number": number, "__str__": said, "__module__": "tests"}
                    )
            found = self.classes[key]
        return found

    def exception(self, described: Any) -> Exception:
        """The program's exception as an exception of this process, marked as the program's."""
        names, arguments, text, own, message, attributes = described
        if not own and not any(name in values.NAMED for name in names):
            return marked(ProgramError(text), text)
        kind = self.exception_class(own, names)
        try:
            error = kind.__new__(kind, *arguments)
            if not own:
                error.__init__(*arguments)  # type: ignore[misc]
        except Exception:  # noqa: BLE001 - arguments that the class does not take
            return marked(ProgramError(text), text)
        error.args = tuple(arguments)
        error._restem_said = message  # type: ignore[attr-defined]
        for name, value in attributes.items():
            if isinstance(name, str) and not name.startswith("_"):
                setattr(error, name, value)
        return marked(error, text)


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


def involved(*parts: Any) -> frozenset[Any]:
    """The names and objects of the program among these, and those whose methods these are."""
    found = [one for one in parts if isinstance(one, Remote)]
    owners = [one._restem_owner for one in found]
    return frozenset(identity(one) for one in (*found, *owners) if one is not None)


def telling(value: Any, depth: int = 0) -> bool:
    """Whether a value could be what some outcome is compared with: more than a short number or text, or an object of the tests."""
    if value is None or isinstance(value, bool | Remote):
        return False
    if depth > values.MAX_DEPTH:  # it holds itself
        return True
    if isinstance(value, int) and value.bit_length() > 64:  # whose text may take long
        return True
    if isinstance(value, int | float | str | bytes):
        return len(str(value)) >= TELLING
    if isinstance(value, tuple | list | set | frozenset | dict):
        parts = [*value, *value.values()] if isinstance(value, dict) else list(value)
        return len(parts) > 1 or any(telling(part, depth + 1) for part in parts)
    return True


def stays(value: Any) -> bool:
    """Whether it stands for a value of a class of the program."""
    return "_restem_value" in getattr(value, "__dict__", ())


def said(error: Any) -> str:
    """How an exception of the program prints; one that a test made prints as usual."""
    text = error.__dict__.get("_restem_said")
    return text if isinstance(text, str) else Exception.__str__(error)


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def lending(value: Any) -> bytes | None:
    """How an object of the tests may be used by the program; None: not at all. Frames and modules must stay out of reach."""
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType | type):
        return b"f"
    if hasattr(type(value), "__next__") and not isinstance(value, io.IOBase):
        return b"i"
    return b"o" if own(value) or callable(value) else None


def own(value: Any) -> bool:
    """An instance of a class of the tests, a mock, or a stream in memory."""
    return type(value).__module__ in ("tests", MOCKS) or isinstance(value, io.StringIO | io.BytesIO)


def lent_attribute(thing: Any, name: str) -> Any:
    if name in ("__name__", "__doc__", "__qualname__"):
        return getattr(thing, name)
    if name.startswith("_") or not own(thing) or (type(thing).__module__ == MOCKS and MOCK_RECORDS.match(name)):
        raise AttributeError(name)
    return getattr(thing, name)


def owned(thing: Any) -> Any:
    if not own(thing):
        raise TypeError("this object of the tests cannot be used so")
    return thing


def changeable(thing: Any) -> Any:
    """A mock is not: it is what the tests look at afterwards."""
    if type(thing).__module__ == MOCKS:
        raise TypeError("a mock of the tests cannot be changed")
    return owned(thing)


def iterated(thing: Any) -> Any:
    return (line for line in thing) if isinstance(thing, io.IOBase) else iter(owned(thing))


LENDING: dict[str, Any] = {
    "call": lambda thing, /, *arguments, **keywords: thing(*arguments, **keywords),
    "next": next,
    "get": lent_attribute,
    "set": lambda thing, name, value: setattr(changeable(thing), name, value),
    "item": lambda thing, key: owned(thing)[key],
    "length": lambda thing: len(owned(thing)),
    "iterate": iterated,
    "enter": lambda thing: type(owned(thing)).__enter__(thing),
    "exit": lambda thing: type(owned(thing)).__exit__(thing, None, None, None),
}


def compiled(prompt: str) -> Any:
    """A prompt may end before the body of its last function."""
    try:
        return compile(prompt, "prompt.py", "exec")
    except SyntaxError:
        return compile(f"{prompt.rstrip()}\n    pass\n", "prompt.py", "exec")


def marked(error: Exception, text: str) -> Exception:
    error._restem_raised = text  # type: ignore[attr-defined]
    return error


def text_of(error: BaseException) -> str:
    """The last line of its traceback, shortened."""
    text = getattr(error, "_restem_raised", None)
    if not isinstance(text, str):
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text.strip()[-MAX_TEXT:]
