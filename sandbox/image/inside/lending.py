"""What the program may do with objects of the tests; frames, modules and the records of mocks stay out of its reach."""

from __future__ import annotations

import io
import re
import types
from typing import Any

MOCKS = "unittest.mock"
MOCK_RECORDS = re.compile(
    r"assert_|(?:called|call_count|call_args|call_args_list|method_calls|return_value|side_effect)\Z|mock_|(?:reset|configure|attach)_mock"
)


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
