"""By what an answer was accepted: the weakest of the ways that its comparisons took.

| way | what it means |
|---|---|
| exact | the same text, tree or structure, equal rationals, or the same rational function |
| algebraic | a constant proved equal by a separation bound |
| symbolic | SymPy proved it |
| sampled | no proof within the limits; the values agree at many points of the domain, to many digits |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

WAYS = ("exact", "algebraic", "symbolic", "sampled")
_noted: ContextVar[set[str] | None] = ContextVar("noted", default=None)


@contextmanager
def recorded() -> Iterator[set[str]]:
    """Give the list of the ways of proof that are noted inside the block."""
    found: set[str] = set()
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)


def note(way: str) -> None:
    found = _noted.get()
    if found is not None:
        found.add(way)


def weakest(ways: set[str]) -> str:
    return max(ways, key=WAYS.index, default="exact")
