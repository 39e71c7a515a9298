"""What may be asked of a program's names and objects, by the name of the operation."""

from __future__ import annotations

import builtins
import copy
import math
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .lent import an_error

if TYPE_CHECKING:
    from .call import Server

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
Operation = Callable[..., Any]


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
