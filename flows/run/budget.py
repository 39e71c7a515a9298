"""The budget of a night in tokens, hours and disk. It is read from the store and the clock, and asked between waves.

Drawn tokens are counted in the store, not by the process that asks. So the orchestrator, the workers of a fleet and a later
attempt at the same night agree, and nothing is counted twice.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from flows.run.draws import Draws
from tasks.store.artifacts import key_of
from tasks.store.slots import Slot
from tasks.store.workspace import Workspace

DISK_EVERY_S = 30.0  # between two measurements of a store's size
Limit = Literal["tokens", "hours", "disk"]


@dataclass(frozen=True)
class Limits:
    """The limits of a night, where None means no limit, and the times from which they count, in seconds since the epoch.

    Tokens count from `since`, the start of the night's first attempt; hours count from `began`, the start of this attempt.
    """

    tokens: int | None
    hours: float | None
    disk_gib: float | None
    since: float
    began: float

    @property
    def any(self) -> bool:
        return (self.tokens, self.hours, self.disk_gib) != (None, None, None)


@dataclass(frozen=True)
class Spent:
    """A limit that has been reached."""

    limit: Limit
    sentence: str


@dataclass
class Budget:
    """The hook of a run with limits. Disk is measured as growth since this object was made."""

    limits: Limits
    workspace: Workspace
    counted: dict[str, int] = field(default_factory=dict)  # generate key -> tokens drawn for it since the night began
    done: set[str] = field(default_factory=set)  # recipes of this night's draws: they are not read again between waves
    disk_at_start: int = 0
    disk_now: int = 0
    measured: float = 0.0

    @classmethod
    def of(cls, limits: Limits, workspace: Workspace) -> Self:
        made = cls(limits, workspace)
        if limits.disk_gib is not None:
            made.disk_at_start = made.disk_now = made._disk()
            made.measured = time.monotonic()
        return made

    def goes_on(self, draws: Draws) -> bool:
        """Limit only the E-step, because an evaluation of fewer problems would be a different figure."""
        return not draws.capped or self.spent() is None

    def spent(self) -> Spent | None:
        """Return the first limit that has been reached, if any."""
        limits = self.limits
        if limits.tokens is not None and (tokens := self.tokens()) >= limits.tokens:
            return Spent("tokens", f"{tokens:,} of {limits.tokens:,} tokens")
        if limits.hours is not None and (hours := (time.time() - limits.began) / 3600) >= limits.hours:
            return Spent("hours", f"{hours:.2f} of {limits.hours:g} hours")
        if limits.disk_gib is not None and (grown := self._grown_gib()) >= limits.disk_gib:
            return Spent("disk", f"{grown:.2f} of {limits.disk_gib:g} GiB")
        return None

    def allows_training(self) -> bool:
        """Return whether hours and disk allow training, which draws hardly any tokens but takes time and disk."""
        spent = self.spent()
        return spent is None or spent.limit == "tokens"

    def tokens(self) -> int:
        """Return the completion tokens drawn for this run since the night began, by all attempts on all machines."""
        store = self.workspace.store
        for path, recipe in self._recipes():
            key = key_of(recipe)
            manifest = None if key in self.counted else store.lookup("generate", key)
            if manifest is not None:
                fresh = manifest.created >= self.limits.since
                self.counted[key] = manifest.meta["tokens_drawn"] if fresh else 0
                if fresh:
                    self.done.add(path)
        return sum(self.counted.values())

    def _recipes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield path and recipe of every draw of the run that is not counted for good."""
        places, store = self.workspace.places, self.workspace.store
        for path in store.walk(places.recipes):
            if path not in self.done and Slot.parse(places.slot_of(path)).stage == "generate":
                recipe = store.read_json(path)
                if recipe:
                    yield path, recipe

    def _grown_gib(self) -> float:
        if time.monotonic() - self.measured >= DISK_EVERY_S:
            self.disk_now, self.measured = self._disk(), time.monotonic()
        return (self.disk_now - self.disk_at_start) / 2**30

    def _disk(self) -> int:
        return self.workspace.store.size("") + shutil.disk_usage(self.workspace.scratch_path).used
