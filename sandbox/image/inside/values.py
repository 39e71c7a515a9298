"""What travels between a program, its tests and the host: typed, bounded data, as bytes.

What a program returns is written (`encoding`) in the program's own process, and read (`decoding`) where nothing of the program can
run. Each value is a tag byte and its content. An object of a subclass of a built-in type is written as the base value that it
stores, read by the base type's own methods, so what the subclass says of itself (`__eq__`, `__iter__`, `__len__`, `__repr__`) does
not travel. Everything else stays where it is and travels as a number, or not at all.

This file and those two run inside the image (Python 3.11 or later) and on the host: they import little and know nothing of the
project.
"""

from __future__ import annotations

import builtins
import re
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from typing import Any

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
MAX_DEPTH = 100  # nesting of containers; Python's own comparison gives up at about 1000
MAX_BYTES = 4 << 20
COUNT = struct.Struct("<I")
DOUBLE = struct.Struct("<d")
PAIR = struct.Struct("<dd")
NUMBER = struct.Struct("<Q")

PLAIN_NAMES = """
    bool int float complex str bytes bytearray list tuple set frozenset dict range object type slice abs all any
    ascii bin callable chr divmod enumerate filter hash hex isinstance issubclass iter len map max min next oct ord
    pow repr reversed round sorted sum zip
"""
EXACT = {
    "fractions.Fraction": ("numerator", "denominator"),
    "datetime.date": ("year", "month", "day"),
    "datetime.datetime": ("year", "month", "day", "hour", "minute", "second", "microsecond"),
    "datetime.time": ("hour", "minute", "second", "microsecond"),
    "datetime.timedelta": ("days", "seconds", "microseconds"),
    "uuid.UUID": ("int",),
}
TEXTS = ("decimal.Decimal", "pathlib.PosixPath", "pathlib.PurePosixPath")  # made of their text
VIEWS: dict[str, Any] = {"dict_keys": type({}.keys()), "dict_items": type({}.items()), "dict_values": type({}.values())}
FACTORIES: dict[str, Any] = {
    kind.__name__: kind for kind in (int, float, str, bool, list, tuple, dict, set)
}  # of a defaultdict
ARRAY_TYPES = "bBhHiIlLqQfd"  # of array.array
NUMPY_TYPE = re.compile(r"[<>|=]?[biufc]\d{1,2}")


class Unencodable(Exception):
    """A value that has no written form; the message names its type."""


class TooLarge(Exception):
    """The written form is longer than the limit."""


class Malformed(ValueError):
    """Bytes that no encoder wrote."""


def piece(data: bytes) -> bytes:
    """Bytes with their length before them."""
    return COUNT.pack(len(data)) + data


def pieces(data: bytes) -> Iterator[bytes]:
    """The whole ones of such bytes, one after the other; the last may be cut short, and is left out."""
    at = 0
    while at + COUNT.size <= len(data):
        end = at + COUNT.size + COUNT.unpack_from(data, at)[0]
        if end > len(data):
            return
        yield data[at + COUNT.size : end]
        at = end


def named_values() -> dict[str, Any]:
    """The built-in types and functions that travel by name."""
    found = {name: getattr(builtins, name) for name in PLAIN_NAMES.split()}
    found.update(
        {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    )
    found.update({"Counter": Counter, "defaultdict": defaultdict, "OrderedDict": OrderedDict, "deque": deque})
    return found


NAMED = named_values()
NAME_OF = {id(value): name for name, value in NAMED.items()}
