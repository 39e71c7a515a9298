"""What tests use of pytest, so that they run without it: `raises`, `approx`, `mark`, `fixture`, `skip`, `fail`, and `run`."""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple


class Raised:
    """What `raises` gives: `value` is the exception once it has come."""

    value: Any = None

    @property
    def type(self) -> Any:
        return type(self.value)

    def match(self, pattern: str) -> bool:
        assert re.search(pattern, str(self.value)), f"{pattern!r} is not in {str(self.value)!r}"
        return True


@contextlib.contextmanager
def _raising(expected: Any, match: str | None) -> Iterator[Raised]:
    found = Raised()
    try:
        yield found
    except expected as error:
        found.value = error
        if match is not None:
            found.match(match)
    else:
        raise AssertionError("did not raise")


def raises(expected: Any, *call: Any, match: str | None = None, **keywords: Any) -> Any:
    """A context, or with a function a call of it."""
    if not call:
        return _raising(expected, match)
    with _raising(expected, match) as found:
        call[0](*call[1:], **keywords)
    return found


class approx:
    """A number, or a list or mapping of numbers, that others may be near."""

    def __init__(self, expected: Any, rel: float | None = None, abs: float | None = None, nan_ok: bool = False) -> None:
        self.expected, self.rel, self.abs, self.nan_ok = expected, rel, abs, nan_ok

    def __eq__(self, found: object) -> bool:
        return self._near(self.expected, found)

    __hash__ = None  # type: ignore[assignment]

    def _near(self, expected: Any, found: Any) -> bool:
        if isinstance(expected, dict):
            return (
                isinstance(found, dict)
                and expected.keys() == found.keys()
                and all(self._near(expected[k], found[k]) for k in expected)
            )
        if isinstance(expected, list | tuple):
            return (
                isinstance(found, list | tuple)
                and len(expected) == len(found)
                and all(map(self._near, expected, found))
            )
        if not isinstance(found, int | float | complex) or isinstance(found, bool):
            return False
        relative = self.rel if self.rel is not None else (0.0 if self.abs is not None else 1e-6)
        if isinstance(expected, complex) or isinstance(found, complex):
            return abs(expected - found) <= max(relative * abs(expected), self.abs or 1e-12)
        return (
            math.isclose(expected, found, rel_tol=0, abs_tol=max(relative * abs(expected), self.abs or 1e-12))
            or expected == found
        )


class Skipped(Exception):
    """A test that does not want to run: it is none."""


def skip(reason: str = "") -> None:
    raise Skipped(reason)


def fail(reason: str = "") -> None:
    raise AssertionError(reason)


def fixture(
    function: Any = None, *, params: Any = None, autouse: bool = False, name: str | None = None, **_: Any
) -> Any:
    """Marks a function whose value tests take by its name."""

    def mark_it(made: Any) -> Any:
        made._restem_fixture = name or made.__name__
        made._restem_params, made._restem_autouse = None if params is None else list(params), autouse
        return made

    return mark_it if function is None else mark_it(function)


def param(*values: Any, **_: Any) -> Any:
    return values if len(values) > 1 else values[0]


class _Mark:
    def parametrize(self, names: Any, values: Any, **_: Any) -> Any:
        listed = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)

        def decorate(function: Any) -> Any:
            cases = [dict(zip(listed, value if len(listed) > 1 else (value,), strict=True)) for value in values]
            known = getattr(function, "_restem_cases", [{}])
            function._restem_cases = [{**one, **other} for one in known for other in cases]
            return function

        return decorate

    def __getattr__(self, name: str) -> Any:
        def anything(*arguments: Any, **_: Any) -> Any:
            if name == "skip" or (name == "skipif" and arguments and arguments[0] is True):
                return _skipped(arguments)
            return arguments[0] if len(arguments) == 1 and callable(arguments[0]) else (lambda function: function)

        return anything


def _skipped(arguments: tuple[Any, ...]) -> Any:
    def decorate(function: Any) -> Any:
        function._restem_cases = []
        return function

    return decorate(arguments[0]) if len(arguments) == 1 and callable(arguments[0]) else decorate


mark = _Mark()


class Captured(NamedTuple):
    """What was printed since the last look."""

    out: str
    err: str


class CapSys:
    """The fixture of that name; stderr of a program is not seen."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def readouterr(self) -> Captured:
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return Captured(text, "")


def run(function: Any) -> None:
    """A test function with its cases and fixtures; raises what it raises."""
    holder = getattr(function, "__self__", None)
    known = _fixtures(holder, function.__globals__)
    for case in getattr(function, "_restem_cases", [{}]):
        wanted = [name for name in inspect.signature(function).parameters if name not in case]
        used = [*(name for name, one in known.items() if one._restem_autouse), *wanted]
        several = {name: known[name]._restem_params for name in _all_used(used, known)}
        names = [name for name, values in several.items() if values is not None]
        for values in itertools.product(*(several[name] for name in names)):
            with contextlib.ExitStack() as stack:
                _around(holder, "setup_class", function)
                _around(holder, "setup_method", function)
                stack.callback(_around, holder, "teardown_method", function)
                fixed = Fixed(known, dict(zip(names, values, strict=True)), stack)
                given = {name: fixed.value(name) for name in used}
                _ran(function(**case, **{name: given[name] for name in wanted}))


def _ran(found: Any) -> None:
    if inspect.iscoroutine(found):
        import asyncio

        asyncio.run(found)


def _fixtures(holder: Any, names: dict[str, Any]) -> dict[str, Any]:
    """The fixtures of a module, and of the class that holds a test, by their names."""
    own = [] if holder is None else dir(type(holder))
    methods = [getattr(holder, name) for name in own if inspect.isfunction(inspect.getattr_static(type(holder), name))]
    listed = [*filter(inspect.isfunction, names.values()), *methods]
    return {one._restem_fixture: one for one in listed if hasattr(one, "_restem_fixture")}


def _all_used(names: list[str], known: dict[str, Any]) -> list[str]:
    """These fixtures and those that they use themselves, each once."""
    found = [name for name in names if name in known]
    for name in found:  # which grows meanwhile
        found += [one for one in inspect.signature(known[name]).parameters if one in known and one not in found]
    return list(dict.fromkeys(found))


class Request:
    """What a fixture may ask of its test."""

    def __init__(self, param: Any, stack: contextlib.ExitStack) -> None:
        self.param, self.stack = param, stack

    def addfinalizer(self, function: Any) -> None:
        self.stack.callback(function)


class Fixed:
    """The values of fixtures in one run of a test: each is made once."""

    def __init__(self, known: dict[str, Any], params: dict[str, Any], stack: contextlib.ExitStack) -> None:
        self.known, self.params, self.stack = known, params, stack
        self.values: dict[str, Any] = {}

    def value(self, name: str) -> Any:
        if name not in self.values:
            self.values[name] = self.made(name)
        return self.values[name]

    def made(self, name: str) -> Any:
        if name == "capsys":
            made = CapSys()
            self.stack.enter_context(contextlib.redirect_stdout(made.stream))
            return made
        function = self.known[name]
        request = Request(self.params.get(name), self.stack)
        parameters = inspect.signature(function).parameters
        value = function(**{other: request if other == "request" else self.value(other) for other in parameters})
        if inspect.isgenerator(value):
            generator, value = value, next(value)
            self.stack.callback(next, generator, None)
        return value


def _around(holder: Any, name: str, function: Any) -> None:
    """What the class of a test function does before or after it."""
    method = getattr(holder, name, None)
    if method is not None:
        method(function) if inspect.signature(method).parameters else method()
