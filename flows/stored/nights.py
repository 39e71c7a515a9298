"""The records of nights, as they are stored: which series a store has, what a night came to, and which runs are nights.

<store>/nights/<series>/<night>.json     one record a night; the series is a run's name, the night a date

A night is a run of its own, `SERIES-NIGHT`. Everything that reads a record reads it here; flows.loop.series writes them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter

from tasks.domain.schema import Policy
from tasks.store.artifacts import Store
from tasks.store.ranges import RangeSamples

NIGHTS = "nights"
UNFINISHED, DROPPED = ("running", "failed"), "dropped"


def _none_for_the_base(policy: Any) -> Any:
    """Read an empty policy, which older records hold, as None: the base."""
    return None if isinstance(policy, dict) and not policy.get("digest") else policy


@dataclass(frozen=True)
class Night:
    """One night of a series. `sampled` is the policy that it samples from; None means the base."""

    night: str
    status: str  # running, failed, dropped, promoted, held, stopped, budget
    sampled: Annotated[Policy | None, BeforeValidator(_none_for_the_base)]
    ranges: tuple[RangeSamples, ...] = ()
    policy: str = ""
    gain: str = ""
    message: str = ""
    tokens: int = 0
    started: float = field(default_factory=time.time)
    ended: float | None = None

    @property
    def unfinished(self) -> bool:
        return self.status in UNFINISHED

    @property
    def samples_from(self) -> str:
        """Return the digest of the policy that an unfinished night still needs; empty for the base or once it has ended."""
        return self.sampled.digest if self.unfinished and self.sampled is not None else ""


def record_place(series: str, night: str) -> str:
    """Return where the record of a night lies."""
    return f"{NIGHTS}/{series}/{night}.json"


def run_of_night(series: str, night: str) -> str:
    """Return the name of the run that does the work of a night."""
    return f"{series}-{night}"


def series_in(store: Store) -> list[str]:
    """Return the names of all series in the store."""
    return list(store.listdir(NIGHTS))


def read_night(store: Store, series: str, night: str) -> Night | None:
    """Return a night of a series, or None when there is none of that name."""
    record = store.read_json(record_place(series, night))
    return _reader().validate_python(record) if record else None


@cache
def _reader() -> TypeAdapter[Night]:
    """Return what reads a record, built once for all of them."""
    return TypeAdapter(Night)


def nights_of(store: Store, series: str) -> list[Night]:
    """Return all nights of a series, oldest first; their names are dates and sort as dates."""
    files = sorted(store.listdir(f"{NIGHTS}/{series}"))
    found = (read_night(store, series, file.removesuffix(".json")) for file in files)
    return [night for night in found if night is not None]


def nights_in(store: Store) -> Iterator[tuple[str, Night]]:
    """Return every night of every series, with the name of its series."""
    for series in series_in(store):
        for night in nights_of(store, series):
            yield series, night
