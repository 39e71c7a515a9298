"""What is remembered of each night, what may end a series of nights, and what a night may cost.

<store>/nights/<series>/<night>.json     one record a night; the series is the run's name, the night a date
<store>/promoted/<series>.json           the policy that the series stands at
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from pydantic import Field, TypeAdapter

from flows.run.run import Pipeline, Run
from tasks.domain.errors import UserError
from tasks.domain.results import PolicyScore
from tasks.domain.schema import Policy
from tasks.domain.settings import Settings
from tasks.domain.statistics import Interval, paired_difference
from tasks.store.artifacts import Store
from tasks.store.ranges import RangeSamples
from tasks.store.workspace import Outcome

Decision = Literal["promote", "hold", "stop"]
UNFINISHED = ("running", "failed")
DISK_EVERY_S = 30.0  # between two measurements of a store's size


class NightSettings(Settings):
    """What is special about a night; everything else is the run's config."""

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


@dataclass(frozen=True)
class Night:
    """One night of a series."""

    night: str
    status: str  # running, failed, dropped, promoted, held, stopped, budget
    sampled: Policy
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
    """All nights of one name in one store."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name

    def all(self) -> list[Night]:
        """Oldest first; names of nights are dates and sort as such."""
        records = (
            self.store.read_json(f"nights/{self.name}/{file}") for file in self.store.listdir(f"nights/{self.name}")
        )
        return [TypeAdapter(Night).validate_python(record) for record in records if record]

    def get(self, night: str) -> Night | None:
        record = self.store.read_json(f"nights/{self.name}/{night}.json")
        return TypeAdapter(Night).validate_python(record) if record else None

    def put(self, night: Night) -> Night:
        self.store.write_json(f"nights/{self.name}/{night.night}.json", asdict(night))
        return night

    def begin(self, night: str, stands_at: Policy, settings: NightSettings) -> Night:
        """The night to work on: the one of that name, or an unfinished earlier one that is to be resumed."""
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
        """The graded samples of up to `count` nights before this one."""
        before = [one for one in self.all() if one.night < night.night and one.ranges and one.status != "dropped"]
        return [ranges for one in before[len(before) - min(count, len(before)) :] for ranges in one.ranges]

    def stopped(self) -> Night | None:
        """The night that stopped the series, unless a later one went on."""
        ended = [one for one in self.all() if not one.unfinished and one.status != "dropped"]
        return ended[-1] if ended and ended[-1].status == "stopped" else None


@dataclass(frozen=True)
class Verdict:
    """What the gate says about a new policy. `gain`: paired difference to the promoted policy on val."""

    decision: Decision
    gain: Interval

    @property
    def sentence(self) -> str:
        gain = self.gain
        return f"{100 * gain.value:+.1f} points on val [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"


def gate(new: PolicyScore, old: PolicyScore, settings: NightSettings, resamples: int = 2000) -> Verdict:
    """Promote, hold or stop, by the paired bootstrap interval of sampled pass@1 on the same val problems.

    Both must have been scored on samples that took no part in choosing the epoch, or the best of several looks better
    than it is.
    """
    after, before = new.sampled_means(), old.sampled_means()
    if set(after) != set(before):
        raise UserError("the gate got two policies that were scored on different val problems; keep data.val as it was")
    names = sorted(after)
    gain = paired_difference([after[name] for name in names], [before[name] for name in names], resamples)
    if gain.low > settings.least_gain:
        return Verdict("promote", gain)
    return Verdict("stop" if gain.high < 0 and settings.stop_when_worse else "hold", gain)


class Budget:
    """What a night has used; `spent()` says in words which limit is reached, if any."""

    def __init__(self, settings: NightSettings, started: float, run: Run) -> None:
        self.settings, self.night_started = settings, started
        self.tokens = 0
        self._run, self._began = run, time.monotonic()
        self._disk_at_start = self._disk() if settings.disk_gib else 0
        self._disk_now, self._measured = self._disk_at_start, self._began

    def note(self, outcome: Outcome) -> None:
        """Count what was drawn since the night began, by this flow run or an earlier attempt."""
        if outcome.ref.stage == "generate":
            manifest = self._run.workspace.store.manifest_of(outcome.ref)
            self.tokens += manifest.meta["tokens_drawn"] if manifest.created >= self.night_started else 0

    def spent(self) -> str:
        limit = self.settings
        hours = (time.monotonic() - self._began) / 3600
        if limit.tokens and self.tokens >= limit.tokens:
            return f"{self.tokens:,} of {limit.tokens:,} tokens"
        if limit.hours and hours >= limit.hours:
            return f"{hours:.2f} of {limit.hours:g} hours"
        if limit.disk_gib and self._grown_gib() >= limit.disk_gib:
            return f"{self._grown_gib():.2f} of {limit.disk_gib:g} GiB"
        return ""

    def allows_training(self) -> bool:
        """Training draws no tokens to speak of, but takes time and disk."""
        return self.spent() == "" or "tokens" in self.spent()

    def _grown_gib(self) -> float:
        if time.monotonic() - self._measured >= DISK_EVERY_S:
            self._disk_now, self._measured = self._disk(), time.monotonic()
        return (self._disk_now - self._disk_at_start) / 2**30

    def _disk(self) -> int:
        workspace = self._run.workspace
        return workspace.store.size("") + shutil.disk_usage(workspace.scratch_path).used


@dataclass(frozen=True)
class BudgetedRun(Run):
    """A run that starts no further range or wave of the E-step once the budget is spent."""

    budget: Budget | None = field(default=None, compare=False)

    def result(self, future: Any) -> Outcome:
        outcome = super().result(future)
        if self.budget is not None:
            self.budget.note(outcome)
        return outcome

    def drive(self, pipelines: Iterable[Pipeline], in_flight: int) -> list[RangeSamples]:
        done = super().drive([self._while_affordable(one) for one in pipelines], in_flight)
        return [one for one in done if one.waves]

    def _while_affordable(self, pipeline: Pipeline) -> Any:
        """The pipeline, ended after the wave during which the budget was spent."""
        waves: list[tuple[Any, Any]] = []
        try:
            future = next(pipeline) if self._affords(pipeline) else None
            while future is not None:
                samples = yield future
                verdicts = yield pipeline.send(samples)
                waves.append((samples.ref, verdicts.ref))
                future = pipeline.send(verdicts) if self._affords(pipeline) else None
        except StopIteration as end:
            return end.value
        pipeline.close()
        return RangeSamples(pipeline.ids, tuple(waves))

    def _affords(self, pipeline: Pipeline) -> bool:
        """Only the E-step is limited: an evaluation of fewer problems would be another figure."""
        return not pipeline.draws.capped or self.budget is None or not self.budget.spent()
