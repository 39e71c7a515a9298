"""Runs the tests once without the program, to learn what they will ask of it.

An answer that is not there yet is an `Unknown`. An assert that looks at one is passed over, as if it held, so a loop of a
hundred calls is known whole; whatever else looks at one ends the run. The operations found travel in one message, the
supervisor of the program's container hands them out one after the other, each when the one before is answered, and the
tests then run with the answers. There each operation must be the one that was foreseen, to the byte: else the tests have strayed,
and all runs once more without looking ahead. So nothing here can change an outcome.

It happens in a fork: the tests themselves start from an untouched process.
"""

from __future__ import annotations

import os
import signal
from typing import Any, NoReturn

from . import values
from .remote import Remote
from .tester import Tests
from .values import NUMBER

CHANNEL_FD = 3
MOST_FRAMES, MOST_BYTES = 2000, 1 << 20
MOST_SECONDS = 0.5  # of CPU time or of wall time; what is found until then counts
WHILE_UNKNOWN = BaseException  # no `except Exception` of a test may hide it


class Waits(WHILE_UNKNOWN):
    """The tests cannot go on without an answer."""


def foreseen(request: dict[str, Any]) -> list[bytes]:
    """The first operations of the tests, as frames of `call`."""
    reading, writing = os.pipe()
    pid = _forked_alike("random" in request["code"])
    if pid == 0:
        _look(request, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    return list(values.pieces(data))


def _forked_alike(draws: bool) -> int:
    """A fork that draws the same random numbers."""
    if not draws:
        return os.fork()
    import random  # not before: it runs code after every fork

    state = random.getstate()
    pid = os.fork()
    if pid == 0:
        random.setstate(state)
    return pid


def _look(request: dict[str, Any], writing: int) -> NoReturn:
    """In the fork: every frame is written as it comes, so that those of a run that is cut short count too."""
    try:
        null = os.open("/dev/null", os.O_RDWR)
        for place in (1, 2, CHANNEL_FD):
            os.dup2(null, place)
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, MOST_SECONDS)
        Ahead(writing).run(request | {"code": request["ahead"]})
    finally:
        os._exit(0)


class Ahead(Tests):
    """The tests, without a program."""

    def __init__(self, writing: int) -> None:
        super().__init__(None)
        self.writing = writing
        self.frames = self.size = self.functions = 0
        self.waits = self.stands = False

    def names(self) -> dict[str, Any]:
        return super().names() | {"_restem_waits": Waits, "_restem_goes_on": self.goes_on}

    def goes_on(self) -> None:
        """After an assert that looked at an answer; not where an operation itself depends on one."""
        if self.stands:
            raise Waits
        self.waits = False

    def named(self, name: str) -> Any:
        """A global of the program; all but constants are objects, which it numbers as they are asked for."""
        found = self.constants.get(name)
        if found is None:
            self.tell("name", name, (), {})
            found = Unknown(self)
            if not name.isupper():
                found = self.constants[name] = Unknown(self, self.functions)
                self.functions += 1
        return found

    def ask(self, operation: str, target: Any, /, *arguments: Any, **keywords: Any) -> Any:
        if operation not in ("call", "watch", "seed"):
            self.stand()
        name = object.__getattribute__(target, "_restem_name") if isinstance(target, Remote) else None
        self.tell(operation, target if name is None else name, arguments, keywords)
        return Unknown(self)

    def tell(self, operation: str, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Write one operation down, unless it needs an answer or lends the program an object."""
        frame = self.framed(operation, target, arguments, keywords)[0]
        self.shared.forget()
        self.frames, self.size = self.frames + 1, self.size + len(frame)
        if self.waits or self.frames > MOST_FRAMES or self.size > MOST_BYTES:
            self.stand()
        view = memoryview(values.piece(frame))
        while view:
            view = view[os.write(self.writing, view) :]

    def refer(self, value: Any) -> bytes | None:
        if type(value) is not Unknown or value._restem_number is None:
            self.stand()
        return b"h" + NUMBER.pack(value._restem_number) + b"-"

    def type_of(self, value: Any) -> Any:
        return self.wait() if type(value) is Unknown else super().type_of(value)

    def can_be_called(self, value: Any) -> bool:
        return self.wait() if type(value) is Unknown else super().can_be_called(value)

    def refer_to_known(self, value: Any) -> bytes | None:
        return self.refer(value) if type(value) is Unknown and value._restem_number is not None else None

    def stand(self) -> NoReturn:
        """No further operation can be foreseen."""
        self.stands = True
        self.wait()

    def wait(self) -> NoReturn:
        self.waits = True
        raise Waits


class Unknown:
    """What the program will have answered. `number`: an object of it that can be called, by its number."""

    __slots__ = ("_restem_number", "_restem_tests")

    def __init__(self, tests: Ahead, number: int | None = None) -> None:
        for slot, value in (("tests", tests), ("number", number)):
            object.__setattr__(self, f"_restem_{slot}", value)

    def __call__(self, /, *arguments: Any, **keywords: Any) -> Any:
        return self._restem_tests.ask("call", self, *arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        return _looked_at(self)


def _looked_at(self: Unknown, *_: object, **__: object) -> Any:
    return self._restem_tests.wait()


LOOKS = """
    eq ne lt le gt ge hash bool str repr format bytes int float complex index round trunc floor ceil len length_hint iter next
    reversed contains getitem setitem delitem setattr delattr enter exit await aiter anext reduce_ex copy deepcopy neg pos abs invert
    fspath dir sizeof
"""
ARITHMETIC = "add sub mul truediv floordiv mod divmod pow matmul and or xor lshift rshift"
for _name in [*LOOKS.split(), *(before + name for name in ARITHMETIC.split() for before in ("", "r", "i"))]:
    setattr(Unknown, f"__{_name}__", _looked_at)
