"""Mode `calls`: functions of a program are called one after the other; the answers lie in a file when the process has ended.

The requests are an encoded list: whether names are provided (and methods of `Solution` meant), then a (function, arguments, keywords) for each call. An answer
is four bytes of length, a letter and its content; the first is `R` when the program's own lines have run, then for each call

    V value    what the function returned        E error    an exception, see `program.described`
    O type     an object that is no plain data   L          more than may travel

Nothing here is guarded against the program, which shares the process and may write the file itself: whatever it makes of it
is only data to the reader, and no expected value ever comes in.
"""

from __future__ import annotations

import builtins
from os import fstat, pread, write
from typing import Any

from . import decoding, encoding, values
from .program import described, function, loaded

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
REQUESTS_FD, ANSWERS_FD = 3, 4
REQUEST_BYTES = 1 << 27


def main(source: bytes) -> None:
    """Run the program, then make the calls."""
    provided, *requests = decoding.decode(_all_of(REQUESTS_FD))
    program = loaded(source, provided)
    _tell(b"R")
    for target, arguments, keywords in requests:
        _tell(answer(program.__dict__, provided, target, arguments, keywords))


def _all_of(fd: int) -> bytes:
    parts, at, size = [], 0, fstat(fd).st_size
    while part := pread(fd, size - at, at):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _tell(answer: bytes) -> None:
    view = memoryview(len(answer).to_bytes(4, "big") + answer)
    while view:
        view = view[write(ANSWERS_FD, view) :]


def answer(names: dict[str, Any], methods: bool, target: str, arguments: list[Any], keywords: dict[str, Any]) -> bytes:
    try:
        value = function(names, target, methods)(*arguments, **keywords)
    except MemoryError:  # its end, as for any other program: the memory limit, not an exception of the program
        raise
    except Exception as error:  # noqa: BLE001 - whatever the program raises
        return b"E" + encoding.encode(described(error))
    try:
        return b"V" + encoding.encode(value)
    except values.TooLarge:
        return b"L"
    except (values.Unencodable, RecursionError):
        return b"O" + type(value).__name__.encode("utf-8", "replace")[:200]
