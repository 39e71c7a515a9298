"""How a program's objects travel: as a number, with what is known of them (see `call`)."""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable, Iterator
from typing import Any

from . import encoding, values
from .lent import Lent

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones


class Referring:
    """The numbers of one program's objects, which stay here."""

    def __init__(self) -> None:
        self.objects: list[Any] = []  # by their number
        self.numbers: dict[int, int] = {}
        self.under_way: set[int] = set()  # objects whose fields are being written

    def bases(self, kind: type) -> list[tuple[int, str, str]]:
        """(number, module, name) of the classes above `kind`, itself first, down to the first built-in one."""
        found = []
        for one in kind.__mro__:
            if getattr(builtins, one.__name__, None) is one:
                break
            found.append((self.place(one), str(one.__module__), one.__name__))
        return found

    def place(self, value: Any) -> int:
        number = self.numbers.setdefault(id(value), len(self.objects))
        if number == len(self.objects):
            self.objects.append(value)
        return number

    def number(self, value: Any, hint: bytes) -> bytes:
        return b"h" + values.NUMBER.pack(self.place(value)) + hint

    def refer(self, value: Any) -> bytes | None:
        """An object stays here and travels as a number; None: as its base value, which is all there is to it."""
        if isinstance(value, Lent):
            return b"g" + values.NUMBER.pack(value.number) + b"-"
        kind = type(value)
        if encoding.base_of(kind) is not None:
            return self.with_stored(value)
        if isinstance(value, type):
            return self.known_class(value)
        if isinstance(value, types.CoroutineType):
            return self.number(value, b"a")
        if isinstance(value, Iterator):
            return self.number(value, b"i")
        if kind.__eq__ is not object.__eq__ and not isinstance(
            value, types.FunctionType | types.MethodType | types.ModuleType
        ):
            return self.with_fields(value)
        return self.number(value, b"f" if callable(value) else b"-")

    def known_class(self, kind: type) -> bytes:
        fields = encoding.fields_of(kind) if issubclass(kind, tuple) else None
        if issubclass(kind, Exception):
            names = [one.__name__ for one in kind.__mro__ if getattr(builtins, one.__name__, None) is one]
            known: Any = ("exception", self.bases(kind), names)
        elif fields is not None:
            known = ("record", kind.__name__, fields, getattr(kind, "_field_defaults", None) or {})
        else:
            return self.number(kind, b"c")
        return self.described(kind, known)

    def described(self, value: Any, known: Any) -> bytes:
        try:
            written = encoding.Encoder(refer=self.refer).encode([self.place(value), known])
        except (values.TooLarge, values.Unencodable, RecursionError):
            return self.number(value, b"-")
        return b"o" + written[1:]  # the list's items under a tag of their own

    def with_fields(self, value: Any) -> bytes:
        return self.once(
            value,
            lambda: self.described(
                value, ("object", self.place(type(value)), self.fields(value), type(value).__hash__ is not None)
            ),
        )

    def once(self, value: Any, write: Callable[[], bytes]) -> bytes:
        """An object that holds itself travels as its number there."""
        if id(value) in self.under_way:
            return self.number(value, b"-")
        self.under_way.add(id(value))
        try:
            return write()
        finally:
            self.under_way.discard(id(value))

    def fields(self, value: Any) -> dict[str, Any]:
        fields = dict(getattr(value, "__dict__", None) or {})
        for kind in type(value).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if hasattr(value, name):
                    fields[name] = getattr(value, name)
        return fields

    def with_stored(self, value: Any) -> bytes | None:
        """An object of a class that the program made below a built-in one: it has methods that no value has. One that can change stays here."""
        kind = type(value)
        if kind.__module__ != "solution" or (issubclass(kind, tuple) and encoding.fields_of(kind) is not None):
            return None
        changes = encoding.base_of(kind) in encoding.MUTABLE
        known = [self.place(kind), self.fields(value)] if changes else [self.place(kind), kind.__name__]

        def write() -> bytes:
            encoder = encoding.Encoder(refer=self.refer)
            encoder.put(b"o" + values.COUNT.pack(2))
            encoder.add(self.place(value))
            encoder.put(b"t" + values.COUNT.pack(4))
            for part in ("holder" if changes else "value", *known):
                encoder.add(part)
            encoder.add_stored(value)
            return b"".join(encoder.parts)

        try:
            return self.once(value, write)
        except (values.TooLarge, values.Unencodable, RecursionError):
            return self.number(value, b"-")
