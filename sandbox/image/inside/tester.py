"""Mode `tester`: trusted tests in a process of their own, with stand-ins for the names of the program.

The source is an encoded mapping: `prompt` (text whose helpers the tests may use), `code` (the tests, their asserts rewritten
to `passed(n)` / `failed(n)`, see sandbox/grading/tests.py), `names` (what the program defines). An operation on a stand-in goes out
as `?` and an operation frame of call.py; the report at the end is `!` and a mapping. What comes back is data: equality,
hashing and truth of plain values are this interpreter's own, and objects that stay with the program are equal to nothing
but themselves.
"""

from __future__ import annotations

import builtins
import importlib
from typing import Any

from . import decoding, encoding, values
from .values import NUMBER

MAX_TEXT = 500


class ProgramEnded(BaseException):
    """The program's process is gone; no `except Exception` of a test may hide that."""


class ProgramError(Exception):
    """What the program raised, where no built-in class tells."""


def main(source: bytes, channel: Any) -> None:
    """Run the tests and report."""
    request = decoding.decode(source)
    tests = Tests(channel)
    tests.run(request["prompt"], request["code"], request["names"], request["modules"])
    channel.send(b"!" + encoding.encode(tests.report()))
    channel.receive()


class Tests:
    """One run of one set of tests."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.lent: list[Any] = []  # functions of the tests that the program may call
        self.known_passed: set[int] = set()
        self.known_failed: dict[int, tuple[str, bool]] = {}  # why, and whether the program raised
        self.calls = 0
        self.ended = self.completed = self.raised = False
        self.error = ""

    def run(self, prompt: str, code: str, names: list[str], modules: list[str]) -> None:
        """Everything the tests see: helpers of the prompt, modules they name, stand-ins, `passed` and `failed`."""
        namespace: dict[str, Any] = {"__name__": "tests"}
        try:
            if prompt:
                exec(compiled(prompt), namespace)
            for name in modules:
                namespace[name] = importlib.import_module(name)
            namespace.update({name: Remote(self, name) for name in names})
            namespace.update(_restem_passed=self.passed, _restem_failed=self.failed)
            exec(compile(code, "tests.py", "exec"), namespace)
            self.completed = True
        except ProgramEnded:
            self.error = "the program ended"
        except BaseException as error:  # noqa: BLE001 - whatever a test raises
            self.raised, self.error = hasattr(error, "_restem_raised"), text_of(error)

    def passed(self, number: int) -> None:
        self.known_passed.add(number)

    def failed(self, number: int, error: BaseException | None = None) -> None:
        """An assert that does not hold, or (`error`) that could not be evaluated."""
        why = ("", False) if error is None else (text_of(error), hasattr(error, "_restem_raised"))
        self.known_failed.setdefault(number, why)

    def report(self) -> dict[str, Any]:
        return {
            "passed": sorted(self.known_passed - set(self.known_failed)), "failed": self.known_failed, "calls": self.calls,
            "completed": self.completed and not self.ended, "raised": self.raised, "error": self.error,
        }  # fmt: skip

    def ask(self, operation: str, target: Any, *arguments: Any, **keywords: Any) -> Any:
        """One operation on the program, its value or its exception."""
        name = object.__getattribute__(target, "_restem_name") if type(target) is Remote else None
        encoder = encoding.Encoder(16 * values.MAX_BYTES, number=True, refer=self.refer)
        frame = encoder.encode((operation, target if name is None else name, arguments, keywords))
        self.calls += 1
        reply = self.exchange(frame)
        while reply[:1] == b"K":
            reply = self.exchange(self.called_back(reply[1:]))
        reader = decoding.Decoder(reply[1:], encoder.kept, resolve=self.resolve)
        for _ in range(values.COUNT.unpack(reader.take(4))[0]):
            self.change(encoder.kept[values.COUNT.unpack(reader.take(4))[0]], reader.sized(), encoder.kept)
        if reply[:1] == b"E":
            error = exception(reader.decode())
            if isinstance(error, StopIteration) and operation != "next":
                raise marked(ProgramError(text_of(error)), text_of(error))  # it would end a loop of the tests early
            raise error
        return reader.decode()

    def change(self, container: Any, content: bytes, kept: list[Any]) -> None:
        """What the program did to a container that the tests hold."""
        reader = decoding.Decoder(content, kept, resolve=self.resolve)
        tag = reader.take(1)
        if type(container) is not (bytearray if tag == b"a" else type(decoding.NEW[tag]())):
            raise values.Malformed("another type of container")
        reader.fill(tag, container, 0)

    def exchange(self, frame: bytes) -> bytes:
        if not self.ended:
            self.channel.send(b"?" + frame)
            reply = self.channel.receive()
            if reply is not None and reply[:1] in (b"V", b"E", b"K"):
                return bytes(reply)
        self.ended = True
        raise ProgramEnded

    def called_back(self, request: bytes) -> bytes:
        """The program calls a function that a test gave it."""
        number, arguments = decoding.Decoder(request, resolve=self.resolve).decode()
        try:
            return b"k" + encoding.Encoder(refer=self.refer).encode(self.lent[number](*arguments))
        except Exception:  # noqa: BLE001 - whatever the test's function raises
            return b"x"

    def refer(self, value: Any) -> bytes | None:
        if type(value) is Remote:
            number = object.__getattribute__(value, "_restem_number")
            if number is not None:
                return b"h" + NUMBER.pack(number)
            return self.refer(self.ask("name", value))
        if not callable(value):
            return None
        self.lent.append(value)
        return b"g" + NUMBER.pack(len(self.lent) - 1)

    def resolve(self, tag: bytes, number: int) -> Any:
        return Remote(self, None, number) if tag == b"h" else self.lent[number]


class Remote:
    """A name of the program, or an object that stays with it. Operators are not passed on: they would show it values."""

    __slots__ = ("_restem_name", "_restem_number", "_restem_tests")

    def __init__(self, tests: Tests, name: str | None, number: int | None = None) -> None:
        object.__setattr__(self, "_restem_tests", tests)
        object.__setattr__(self, "_restem_name", name)
        object.__setattr__(self, "_restem_number", number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._restem_tests.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._restem_tests.ask("set", self, name, value)

    def __call__(self, /, *arguments: Any, **keywords: Any) -> Any:
        return self._restem_tests.ask("call", self, *arguments, **keywords)

    def __getitem__(self, key: Any) -> Any:
        return self._restem_tests.ask("item", self, key)

    def __len__(self) -> int:
        length = self._restem_tests.ask("length", self)
        return length if type(length) is int else -1

    def __iter__(self) -> Any:
        iterator = self._restem_tests.ask("iterate", self)
        while True:
            try:
                item = self._restem_tests.ask("next", iterator)
            except StopIteration:
                return
            yield item

    def __contains__(self, item: Any) -> bool:
        return any(one is item or one == item for one in self)

    def __str__(self) -> str:
        text = self._restem_tests.ask("text", self)
        return text if type(text) is str else ""

    def __bool__(self) -> bool:
        return self._restem_tests.ask("truth", self) is True

    def __instancecheck__(self, value: Any) -> bool:
        return type(value) is Remote and self._restem_tests.ask("isinstance", value, self) is True

    def __eq__(self, other: object) -> bool:
        return type(other) is Remote and identity(self) == identity(other)

    def __hash__(self) -> int:
        return hash(identity(self))


def identity(remote: Remote) -> Any:
    return object.__getattribute__(remote, "_restem_number"), object.__getattribute__(remote, "_restem_name")


def compiled(prompt: str) -> Any:
    """A prompt may end before the body of its last function."""
    try:
        return compile(prompt, "prompt.py", "exec")
    except SyntaxError:
        return compile(f"{prompt.rstrip()}\n    pass\n", "prompt.py", "exec")


def exception(described: Any) -> Exception:
    """The program's exception as an exception of this process: the nearest built-in class, marked as the program's."""
    names, arguments, text = described
    for name in names:
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                error = kind(*arguments)
            except Exception:  # noqa: BLE001 - arguments that the class does not take
                continue
            return marked(error, text)
    return marked(ProgramError(text), text)


def marked(error: Exception, text: str) -> Exception:
    error._restem_raised = text  # type: ignore[attr-defined]
    return error


def text_of(error: BaseException) -> str:
    """The last line of its traceback, shortened."""
    text = getattr(error, "_restem_raised", None)
    if not isinstance(text, str):
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text.strip()[-MAX_TEXT:]
