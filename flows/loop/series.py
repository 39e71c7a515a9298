"""A series of nights: the choice of the night to work on, and what is written of it (flows.stored.nights reads it).

<store>/promoted/<series>.json           the policy that the series has promoted last
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Literal

from pydantic import Field

from flows.stored.nights import Night, nights_of, read_night, record_place
from tasks.domain.schema import Policy
from tasks.domain.settings import Settings
from tasks.store.artifacts import Store
from tasks.store.ranges import RangeSamples


class NightSettings(Settings):
    """The settings that only a night has; everything else is the run's config."""

    night: str = Field("", description="Name of the night, a date; empty: the date on which it was scheduled.")
    timezone: str = Field("UTC", description="Time zone of that date, say Europe/Berlin.")
    history: int = Field(1, ge=1, le=60, description="Train on the accepted samples of the last so many nights.")
    if_failed: Literal["resume", "drop"] = Field(
        "resume",
        description="A night that did not end: resume finishes it instead of starting a new one; drop forgets it.",
    )
    least_gain: float = Field(
        0.0, ge=-1, le=1,
        description="Promote when the 95 % interval of the paired gain on val lies above this share; below 0: not worse by more.",
    )  # fmt: skip
    stop_when_worse: bool = Field(
        True, description="Stop the series when that interval lies below 0; later nights then wait."
    )
    go_on: bool = Field(False, description="Go on although the series was stopped.")
    tokens: int | None = Field(None, ge=1, description="Budget: completion tokens drawn; empty: no limit.")
    hours: float | None = Field(None, gt=0, description="Budget: hours of this flow run; empty: no limit.")
    disk_gib: float | None = Field(
        None, gt=0, description="Budget: GiB that store and scratch may grow; empty: no limit."
    )


class Series:
    """All nights of one series in one store."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name

    def all(self) -> list[Night]:
        """Return all nights, oldest first."""
        return nights_of(self.store, self.name)

    def get(self, night: str) -> Night | None:
        return read_night(self.store, self.name, night)

    def put(self, night: Night) -> Night:
        self.store.write_json(record_place(self.name, night.night), asdict(night))
        return night

    def begin(self, night: str, stands_at: Policy | None, settings: NightSettings) -> Night:
        """Return the night to work on: the one of that name, or an unfinished earlier one that is to be resumed."""
        mine = self.get(night)
        if mine is not None:
            return self.put(replace(mine, status="running", ended=None)) if mine.unfinished else mine
        unfinished = [one for one in self.all() if one.unfinished]
        for one in unfinished[:-1] if settings.if_failed == "resume" else unfinished:
            self.put(replace(one, status="dropped", ended=time.time(), message=f"dropped by night {night}"))
        if unfinished and settings.if_failed == "resume":
            return self.put(replace(unfinished[-1], status="running"))
        return self.put(Night(night, "running", stands_at))

    def earlier_ranges(self, night: Night, count: int) -> list[RangeSamples]:
        """Return the graded samples of up to `count` nights before this one."""
        before = [one for one in self.all() if one.night < night.night and one.ranges and one.status != "dropped"]
        return [ranges for one in before[len(before) - min(count, len(before)) :] for ranges in one.ranges]

    def stopped(self) -> Night | None:
        """Return the night that stopped the series, or None when a later night went on."""
        ended = [one for one in self.all() if not one.unfinished and one.status != "dropped"]
        return ended[-1] if ended and ended[-1].status == "stopped" else None
