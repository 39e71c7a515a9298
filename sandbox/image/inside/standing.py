"""What stands in the tests for objects, values and classes of the program that travel as more than data."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections import namedtuple
from typing import Any

from . import encoding, values
from .failures import ProgramError, marked, said
from .remote import Remote, stand_in


class Standing(ABC):
    """The stand-ins of one program."""

    def __init__(self) -> None:
        self.lent: list[Any] = []  # objects of the tests that the program may use
        self.objects: dict[int, Any] = {}  # stand-ins by their number
        self.made: dict[
            int, list[tuple[list[Any], Any]]
        ] = {}  # by class: what the tests made objects of, and their fields
        self.forgetful: set[int] = set()  # classes whose objects do not show what they were made of
        self.jokers: dict[int, bool] = {}  # by class: whether its objects are equal to anything
        self.classes: dict[
            Any, Any
        ] = {}  # exceptions, named tuples and values of the program, as classes of this process

    @abstractmethod
    def ask(self, operation: str, target: Any, /, *arguments: Any, **keywords: Any) -> Any:
        """One operation on the program."""

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
        object.__setattr__(found, "_restem_hashable", known[0] != "object" or known[3] is True)
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


def stays(value: Any) -> bool:
    """Whether it stands for a value of a class of the program."""
    return "_restem_value" in getattr(value, "__dict__", ())
