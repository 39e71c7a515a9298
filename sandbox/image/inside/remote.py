"""What stands in the tests for a name of the program, or for an object that stays with it.

Operators show values to the program, and a value that it is compared with must not be shown. So an object is compared here:
with itself, or, where its class has an `__eq__` of its own, by the fields that came with it when it was last handed out. Fields
that a later operation could have filled in do not count, and an object that the tests made equals another one only if what
they made it of is found among its fields (`sameness`). Order and arithmetic are asked of the program for objects that the tests made, and of any two of its own whether they have
something in common (flags). Arithmetic with a plain value may show what is expected (`abs(f(1) - 0.5) < 1e-6`): a difference gives no number,
and what it gives has no size; other operations give a number where the tests made the object by a class that they name with a capital letter.
"""

from __future__ import annotations

from typing import Any

from .guards import Unlike, equals_anything, says_equal
from .sameness import StandIn, is_value, made_with, same_fields, variants
from .values import NAMED

OF_FLAGS = frozenset(["or_", "and_", "xor"])
SHOWN = frozenset({
    "__name__", "__doc__", "__qualname__", "__wrapped__", "__dict__", "__module__", "__annotations__", "__defaults__", "__kwdefaults__", "__bases__",
    "__mro__", "__slots__", "__members__", "__self__", "__func__",
})  # fmt: skip


class Remote(StandIn):
    # A name, or an object by its number. No docstring: what the tests ask for is the object's own.

    __slots__ = (
        "_restem_count",
        "_restem_fields",
        "_restem_given",
        "_restem_hashable",
        "_restem_made",
        "_restem_maker",
        "_restem_mixed",
        "_restem_name",
        "_restem_number",
        "_restem_owner",
        "_restem_seen",
        "_restem_stored",
        "_restem_tests",
        "_restem_titled",
        "_restem_told",
    )
    __array_ufunc__ = None  # numpy's operators leave the comparison to this class

    def __init__(self, tests: Any, name: str | None, number: int | None = None) -> None:
        for slot, value in (
            ("tests", tests), ("name", name), ("number", number), ("fields", None), ("made", False), ("given", None), ("owner", None), ("stored", None), ("mixed", False),
            ("seen", True), ("told", False), ("titled", False), ("maker", None), ("count", None), ("hashable", True),
        ):  # fmt: skip
            object.__setattr__(self, f"_restem_{slot}", value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in SHOWN:
            raise AttributeError(name)
        found = self._restem_tests.ask("get", self, name)
        if isinstance(found, Remote) and found is not self and found._restem_owner is None:
            object.__setattr__(found, "_restem_owner", self)
        return found

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return self._restem_tests.ask("get", self, "__doc__")

    def __setattr__(self, name: str, value: Any) -> None:
        self._restem_tests.ask("set", self, name, value)
        refreshed(self)

    def __delattr__(self, name: str) -> None:
        self._restem_tests.ask("delete", self, name)
        refreshed(self)

    def __call__(self, /, *arguments: Any, **keywords: Any) -> Any:
        made = self._restem_tests.ask("call", self, *arguments, **keywords)
        for involved in (self._restem_owner, *arguments, *keywords.values()):
            refreshed(involved)
        if isinstance(made, Remote) and isinstance(self, RemoteClass):
            object.__setattr__(made, "_restem_maker", (self, arguments, keywords))
            made_with(made, [*arguments, *keywords.values()])
            object.__setattr__(made, "_restem_titled", self._restem_titled)
        return made

    def __getitem__(self, key: Any) -> Any:
        return self._restem_tests.ask("item", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._restem_tests.ask("setitem", self, key, value)
        refreshed(self)

    def __delitem__(self, key: Any) -> None:
        self._restem_tests.ask("delitem", self, key)
        refreshed(self)

    def __len__(self) -> int:
        length = self._restem_tests.ask("length", self)
        if type(length) is not int:
            return -1
        if self._restem_count == 0 and length and not sum(1 for _ in self):
            raise Unlike(f"an object says that its length is {length}, and gives fewer items")
        return length

    def __iter__(self) -> Any:
        iterator = self._restem_tests.ask("iterate", self)
        return iterator if isinstance(iterator, RemoteIterator) else iter([])

    def __reversed__(self) -> Any:
        iterator = self._restem_tests.ask("reversed", self)
        return iterator if isinstance(iterator, RemoteIterator) else iter([])

    def __contains__(self, item: Any) -> bool:
        if self._restem_made:
            return self._restem_tests.ask("binary", self, "contains", item) is True
        return any(one is item or one == item for one in self)

    def __enter__(self) -> Any:
        return self._restem_tests.ask("enter", self)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        known = (
            []
            if error is None
            else [(next(one.__name__ for one in kind.__mro__ if one.__name__ in NAMED), [str(error)])]
        )
        return self._restem_tests.ask("exit", self, *known) is True

    def __aiter__(self) -> Any:
        return self._restem_tests.ask("aiter", self)

    async def __anext__(self) -> Any:
        return self._restem_tests.ask("anext", self)

    async def __aenter__(self) -> Any:
        return self._restem_tests.ask("aenter", self)

    async def __aexit__(self, *_: object) -> bool:
        return self._restem_tests.ask("aexit", self) is True

    def __str__(self) -> str:
        text = self._restem_tests.ask("text", self)
        return text if type(text) is str else ""

    def __repr__(self) -> str:
        text = self._restem_tests.ask("repr", self)
        return text if type(text) is str else ""

    def __format__(self, how: str) -> str:
        text = self._restem_tests.ask("format", self, how)
        return text if type(text) is str else ""

    def __bool__(self) -> bool:
        return self._restem_tests.ask("truth", self) is True

    def __copy__(self) -> Any:
        return copied(self, "copy")

    def __deepcopy__(self, memo: Any) -> Any:
        return copied(self, "deepcopy")

    def __instancecheck__(self, value: Any) -> bool:
        known = isinstance(value, Remote) or "_restem_value" in getattr(value, "__dict__", ())
        return known and self._restem_tests.ask("isinstance", value, self) is True

    def __subclasscheck__(self, value: Any) -> bool:
        return isinstance(value, Remote) and self._restem_tests.ask("issubclass", value, self) is True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Remote):
            if self._restem_stored is not None:  # the base value of an object of a class below a built-in one
                return bool(self._restem_stored == other)
            if equals_anything(self):
                raise Unlike("an object that is equal to anything")
            other_one = variants(other)[:1]
            return (
                is_value(self, other)
                and says_equal(self, other)
                and not any(says_equal(self, one) for one in other_one)
            )
        if self._restem_mixed or other._restem_mixed:
            return False
        return identity(self) == identity(other) or (same_fields(self, other) and says_equal(self, other))

    def __ne__(self, other: object) -> bool:
        """Neither is true of two objects whose class says that they are equal while their fields are not."""
        if self == other or (isinstance(other, Remote) and identity(self) == identity(other)):
            return False
        alike = isinstance(other, Remote) and self._restem_stored is None and self._restem_fields is not None
        return not (alike and says_equal(self, other))

    def __hash__(self) -> int:
        fields = self._restem_fields
        if not self._restem_hashable:
            raise TypeError("unhashable: the class has an __eq__ and no __hash__")
        return hash(identity(self) if fields is None else ("restem", fields[0]))

    def __await__(self) -> Any:
        return self._restem_tests.ask("await", self)
        yield


class RemoteClass(Remote):
    """A class of the program, other than an exception or a named tuple."""

    __slots__ = ()


class RemoteIterator(Remote):
    """An iterator of the program."""

    __slots__ = ()

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self._restem_tests.ask("next", self)


def stand_in(tests: Any, number: int, hint: bytes) -> Any:
    """One object of the program is one object here."""
    if number not in tests.objects:
        kind = RemoteClass if hint == b"c" else RemoteIterator if hint == b"i" else Remote
        tests.objects[number] = coroutine(kind(tests, None, number)) if hint == b"a" else kind(tests, None, number)
    return tests.objects[number]


async def coroutine(remote: Remote) -> Any:
    """A coroutine of the program as one of this process: `asyncio.run` wants a real one."""
    return await remote


def copied(remote: Remote, how: str) -> Any:
    """What the program makes as a copy; the tests have made it as far as they made the first one."""
    found = remote._restem_tests.ask(how, remote)
    if isinstance(found, Remote) and found is not remote:
        for slot in ("made", "given", "seen", "told", "titled"):
            object.__setattr__(found, f"_restem_{slot}", getattr(remote, f"_restem_{slot}"))
    return found


def identity(remote: Remote) -> Any:
    return object.__getattribute__(remote, "_restem_number"), object.__getattribute__(remote, "_restem_name")


def refreshed(value: Any) -> None:
    """What an operation may have done to an object is seen at once, before the program learns anything else."""
    if isinstance(value, Remote) and value._restem_fields is not None:
        value._restem_tests.ask("object", value)


def _comparison(name: str) -> Any:
    def compare(self: Remote, other: Any) -> Any:
        if not (self._restem_made and isinstance(other, Remote) and other._restem_made) or self._restem_told:
            return NotImplemented
        return self._restem_tests.ask("binary", self, name, other) is True

    return compare


def _arithmetic(name: str, swapped: bool) -> Any:
    def calculate(self: Remote, other: Any) -> Any:
        if not (self._restem_made or (name in OF_FLAGS and isinstance(other, Remote))):
            return NotImplemented
        found = self._restem_tests.ask("binary", self, name, other, swapped)
        shown = not isinstance(other, Remote | str)
        less = name in ("sub", "isub")
        if isinstance(found, Remote) and self._restem_made:
            object.__setattr__(found, "_restem_made", True)
            told = self._restem_told or (shown and less)
            object.__setattr__(found, "_restem_told", told)
        elif self._restem_told or (
            shown and (less or not (self._restem_titled or isinstance(found, str | list | tuple)))
        ):
            raise TypeError(f"{name} of an object of the program and a value gives no number")
        return found

    return calculate


def _alone(name: str) -> Any:
    def calculate(self: Remote) -> Any:
        if not self._restem_made or self._restem_told:
            raise TypeError(f"bad operand for {name}")
        return self._restem_tests.ask("unary", self, name)

    return calculate


def _conversion(name: str, kinds: Any) -> Any:
    def convert(self: Remote, *digits: Any) -> Any:
        if not self._restem_made or self._restem_told:
            raise TypeError(f"an object of the program has no {name}")
        found = self._restem_tests.ask("convert", self, name, *digits)
        if type(found) not in kinds:
            raise TypeError(f"{name} of an object of the program is a {type(found).__name__}")
        return found

    return convert


for _name, _kinds in {
    "int": (int,),
    "float": (float,),
    "round": (int, float),
    "complex": (complex,),
    "index": (int,),
    "floor": (int, float),
    "ceil": (int, float),
    "trunc": (int, float),
    "bytes": (bytes,),
}.items():
    setattr(Remote, f"__{_name}__", _conversion(_name, _kinds))
for _name in ("lt", "le", "gt", "ge"):
    setattr(Remote, f"__{_name}__", _comparison(_name))
for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "divmod",
    "lshift",
    "rshift",
    "and",
    "or",
    "xor",
):
    _function = f"{_name}_" if _name in ("and", "or") else _name
    setattr(Remote, f"__{_name}__", _arithmetic(_function, swapped=False))
    setattr(Remote, f"__r{_name}__", _arithmetic(_function, swapped=True))
    setattr(Remote, f"__i{_name}__", _arithmetic(f"i{_name}", swapped=False))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(Remote, f"__{_name}__", _alone(_name))
