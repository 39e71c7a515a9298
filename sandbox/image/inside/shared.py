"""Mutable containers that the tests and the program both hold: one object there is one object here, from one operation to the next.

Both sides keep the same table. What the tests send in an operation has numbers from 0 on, what the program hands out has numbers
from `HANDED_OUT` on, in the order in which they are written. A container that has a number travels as it. What one side does to it
the other is told: the tests before their next operation, the program in its answer. Small containers of the last few operations
count; all others are copies.
"""

from __future__ import annotations

import builtins
from collections import deque
from collections.abc import Callable, Iterable
from sys import getrefcount
from typing import Any

from . import encoding, values

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
HANDED_OUT = 1 << 31
OPERATIONS, CONTAINERS = 8, 32  # that count: operations of each side, containers of one operation
BYTES = 1024  # of a container's content, which is read again with each operation
OURS_ALONE = 2  # references to a container that nobody but the table has: the table's and that of the question


class Held:
    """A container, and what the other side takes for its content; None: it is too large to follow, or holds more than data.

    `shown` (on the side of the tests): since it was handed over, others were told what it may be compared with. `at_rest`: nobody on
    this side had it when its content was last looked at, and nobody got it since: its content is the same.
    """

    __slots__ = ("at_rest", "container", "content", "origins", "shown")

    def __init__(self, container: Any, origins: frozenset[Any]) -> None:
        self.container, self.origins, self.shown, self.at_rest = container, origins, False, False
        self.content: bytes | None = b""


class Table:
    """Number -> container, for a decoder: what it reads goes to somebody on this side."""

    def __init__(self, held: dict[int, Held]) -> None:
        self._held = held

    def __getitem__(self, number: int) -> Any:
        held = self._held[number]
        held.at_rest = False
        return held.container


class Shared:
    """The table of one side. `refer` writes objects that stay here, for contents."""

    def __init__(self, refer: Callable[[Any], bytes | None]) -> None:
        self.refer = refer
        self.held: dict[int, Held] = {}
        self.table = Table(self.held)
        self.counts = {0: 0, HANDED_OUT: 0}
        self.groups: dict[int, deque[range]] = {0: deque(), HANDED_OUT: deque()}

    def first(self, side: int) -> int:
        """The number of the next container of this side."""
        return side + self.counts[side]

    def numbers(self, also: Iterable[int] = ()) -> dict[int, int]:
        """id of a container -> number, of those that are alike on both sides, and of `also`."""
        alike = (number for number, held in self.held.items() if held.content is not None)
        return {id(self.held[number].container): number for number in (*alike, *also)}

    def add(self, side: int, containers: list[Any], origins: frozenset[Any] = frozenset()) -> range:
        """Give the containers of one message their numbers, as the other side does; until `forget` all of them count."""
        numbers = range(self.first(side), self.first(side) + len(containers))
        self.counts[side] += len(containers)
        self.held.update({number: Held(one, origins) for number, one in zip(numbers, containers, strict=True)})
        if len(containers) > CONTAINERS:  # they go at the end of the operation: until then they are copies
            for number in numbers:
                self.held[number].content = None
        while containers and not self._seen(numbers):
            pass
        if containers:
            self.groups[side].append(numbers)
        return numbers

    def _seen(self, numbers: range) -> bool:
        """Note the contents. False: one cannot be followed, so those that it is in are written in another way."""
        before = [self.held[number].content is None for number in numbers]
        if all(before):
            return True
        for number in numbers:
            self.note(number)
        return before == [self.held[number].content is None for number in numbers]

    def note(self, number: int) -> None:
        """Both sides are alike now."""
        held = self.held[number]
        held.content = None if held.content is None else self.content(number, BYTES)

    def content(self, number: int, limit: int, known: dict[int, int] | None = None) -> bytes | None:
        """What a container holds now, with the numbers (`known`) of those inside it; None where that cannot be written."""
        known = self.numbers() if known is None else known
        try:
            return encoding.Encoder(limit, known, refer=self.refer).content(self.held[number].container)
        except (values.TooLarge, values.Unencodable, RecursionError):
            return None

    def changed(self) -> list[tuple[int, bytes]]:
        """Numbers and contents of containers that have another content now, which the other side is going to know.

        An empty content: it has become too large to follow, and the other side must not take what it has for the last.
        """
        found = []
        for number, held in self.held.items():
            alone = getrefcount(held.container) == OURS_ALONE
            if held.content is None or (alone and held.at_rest):
                continue
            held.at_rest = alone
            now = self.content(number, BYTES)
            if now != held.content:
                found.append((number, now or b""))
            held.content = now
        return found

    def forget(self) -> None:
        """At the end of an operation: the last ones count, and none with very many containers."""
        for groups in self.groups.values():
            while groups and len(groups[-1]) > CONTAINERS:
                self._drop(groups.pop())
            while len(groups) > OPERATIONS:
                self._drop(groups.popleft())

    def _drop(self, numbers: range) -> None:
        for number in numbers:
            del self.held[number]


def packed(changes: list[tuple[int, bytes]]) -> bytes:
    """Changes as bytes."""
    written = (values.COUNT.pack(number) + encoding.sized(content) for number, content in changes)
    return values.COUNT.pack(len(changes)) + b"".join(written)


def unpacked(reader: Any) -> list[tuple[int, bytes]]:
    """Changes from the start of what a decoder reads."""
    count = values.COUNT.unpack(reader.take(4))[0]
    return [(values.COUNT.unpack(reader.take(4))[0], reader.sized()) for _ in range(count)]
