"""Walks through values of tests, each part of which is counted: a list that holds another one twice, which holds another one twice,
has as many parts as there are grains on the chessboard."""

from __future__ import annotations

from typing import Any

from sandbox.grading.planning.plain_operations import MOST_BITS, Unplanned

MOST_STEPS = 20_000  # expressions, names and statements of one set of tests
MOST_PARTS = 200_000  # parts of values that are looked at for one set of tests
CHARACTERS = 64  # of a text, or bits of a number, that count as one part
PLAIN = (int, float, complex, str, bytes, bool, type(None), list, tuple, set, dict)
MUTABLE = (list, set, dict)
CONTAINERS = (list, tuple, set, frozenset, dict)


class Work:
    """Counts what planning costs, whatever the machine. Raises Unplanned beyond what one set of tests may cost."""

    def __init__(self) -> None:
        self.steps = self.parts = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Unplanned

    def spend(self, parts: int) -> None:
        self.parts += parts
        if self.parts > MOST_PARTS:
            raise Unplanned

    def walk(self, value: Any) -> list[Any]:
        """Return the value and everything in it, a part that is there twice twice."""
        found = [value]
        if not isinstance(value, CONTAINERS):
            self.spend(1 + _length(value) // CHARACTERS)
            return found
        for part in found:  # which grows meanwhile
            inside = _inside(part)
            self.spend(1 + _length(part) // CHARACTERS + len(inside))
            found += inside
        return found

    def containers(self, value: Any) -> dict[int, Any]:
        """Return every list, set and mapping in a value, and the value itself if it is one, by its identity."""
        return {id(part): part for part in self.walk(value) if isinstance(part, MUTABLE)}

    def check_apart(self, value: Any) -> None:
        """Raise Unplanned if a list, set or mapping is there twice: a plan would make two of it."""
        found = [id(part) for part in self.walk(value) if isinstance(part, MUTABLE)]
        if len(set(found)) < len(found):
            raise Unplanned

    def is_plain(self, value: Any) -> bool:
        return all(type(part) in PLAIN for part in self.walk(value))

    def texts(self, value: Any) -> set[str]:
        """Return the texts of a value and of everything in it, as `trees.literals` does for what is written down."""
        found: set[str] = set()
        for part in self.walk(value):
            if _inside(part):
                self.walk(part)  # its text is as long as all that is in it
            found.add(repr(part))
        return found

    def likenesses(self, value: Any) -> set[str]:
        """Return texts that are the same for values one of which is easily had from the other: 7, -7, 7.0 and "7"; [1, 2], (2, 1), {1, 2}."""
        self.walk(value)
        found: set[str] = set()
        self._likeness(value, found)
        return found

    def _likeness(self, value: Any, found: set[str]) -> str:
        if isinstance(value, dict):
            text = f"[{','.join(sorted(f'{self._likeness(k, found)}:{self._likeness(v, found)}' for k, v in value.items()))}]"
        elif isinstance(value, list | tuple | set | frozenset):
            text = f"[{','.join(sorted(self._likeness(part, found) for part in value))}]"
        else:
            text = _bare(value)
        self.spend(len(text) // CHARACTERS)
        found.add(text)
        return text


def _bare(value: Any) -> str:
    if isinstance(value, str):
        return value.strip().removeprefix("-").removesuffix(".0")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(abs(value)).removesuffix(".0")
    return repr(value)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return list(value) if isinstance(value, list | tuple | set | frozenset) else []


def _length(value: Any) -> int:
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:  # its text takes the square of its length
            raise Unplanned
        return value.bit_length()
    return len(value) if isinstance(value, str | bytes) else 0
