"""Objects of the tests as the program sees them: each use is asked for with the tests."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from . import values

if TYPE_CHECKING:
    from .call import Server

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones


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

    def __call__(self, /, *arguments: Any, **keywords: Any) -> Any:
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
