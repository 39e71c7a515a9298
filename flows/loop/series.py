"""The stored record of each night, and the choice of the night to work on.

<store>/nights/<series>/<night>.json     one record a night; the series is the run's name, the night a date
<store>/promoted/<series>.json           the policy that the series has promoted last
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from flows.stored.nights import NIGHTS, UNFINISHED
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


class Series:
    """All nights of one series in one store."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name

    def all(self) -> list[Night]:
        """Return all nights, oldest first; their names are dates and sort as dates."""
        records = (
            self.store.read_json(f"{NIGHTS}/{self.name}/{file}") for file in self.store.listdir(f"{NIGHTS}/{self.name}")
        )
        return [TypeAdapter(Night).validate_python(record) for record in records if record]

    def get(self, night: str) -> Night | None:
        record = self.store.read_json(f"{NIGHTS}/{self.name}/{night}.json")
        return TypeAdapter(Night).validate_python(record) if record else None

    def put(self, night: Night) -> Night:
        self.store.write_json(f"{NIGHTS}/{self.name}/{night.night}.json", asdict(night))
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
