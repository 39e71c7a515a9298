"""Reads the records of nights: which series a store has, and which of its runs are nights.

A night is a run of its own, `SERIES-NIGHT`, and its record lies in `nights/SERIES/NIGHT.json` (see flows.loop.series).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.store.artifacts import Store

NIGHTS = "nights"
UNFINISHED, DROPPED = ("running", "failed"), "dropped"


@dataclass(frozen=True)
class NightOf:
    """One stored night: its series, its run, and its record as it was written."""

    series: str
    run: str
    record: dict[str, Any]

    @property
    def samples_from(self) -> str:
        """Return the digest of the policy that an unfinished night still needs; empty for the base or once it has ended."""
        sampled = self.record.get("sampled") or {}
        return sampled.get("digest", "") if self.unfinished else ""

    @property
    def unfinished(self) -> bool:
        return self.record["status"] in UNFINISHED


def run_of_night(series: str, night: str) -> str:
    """Return the name of the run that does the work of a night."""
    return f"{series}-{night}"


def nights_in(store: Store) -> Iterator[NightOf]:
    """Return every night of every series, oldest first; names of nights are dates and sort as dates."""
    for series in store.listdir(NIGHTS):
        for file in sorted(store.listdir(f"{NIGHTS}/{series}")):
            record = store.read_json(f"{NIGHTS}/{series}/{file}")
            if record:
                yield NightOf(series, run_of_night(series, record["night"]), record)
