"""Mode `turns`: functions of a program are called one after the other, and it gets each call when it has answered the one before.

A frame is an encoded (function, arguments, keywords); the answers are those of `calls`, the first when the program's own lines have
run. The supervisor hands the frames out and keeps the answers: an argument may tell what an earlier call had to return, and a program
that shares this process reads whatever lies in it.
"""

from __future__ import annotations

import builtins
from typing import Any

from . import decoding
from .calls import answer
from .program import loaded

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones


def main(source: bytes, channel: Any) -> None:
    """Run the program, then answer until there are no more frames."""
    program = loaded(source, provided=False)
    channel.send(b"R")
    while (frame := channel.receive()) is not None:
        target, arguments, keywords = decoding.decode(frame)
        channel.send(answer(program.__dict__, False, target, arguments, keywords))
