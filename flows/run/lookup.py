"""Looks stages up in the store and never runs them; `restem plan`, the rerun of one stage and a run of which all is stored use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flows.run.draws import RangeWork
from flows.run.run import NotStored, Stages
from flows.run.waves import walk
from tasks.domain.schema import Policy
from tasks.store.ranges import RangeSamples
from tasks.store.stage import Job, Stage
from tasks.store.workspace import Outcome


@dataclass(frozen=True)
class Look:
    """One job that was looked up: its outcome, or the reason why there is none."""

    stage: str
    job: Job
    outcome: Outcome | None
    why: str


@dataclass(frozen=True)
class Lookup:
    """An executor that only looks stages up. A stage that is not stored raises `NotStored`; `looks` remembers every look-up.

    With `notes` the run's records name what was found, as they do after a run; otherwise nothing is written.
    """

    looks: list[Look] = field(default_factory=list)
    notes: bool = False
    keeps_going: bool = True  # so that every range is counted

    def in_flight(self, stages: Stages, ranges: int) -> int:
        return 1

    def base(self, stages: Stages, base: Policy) -> Policy:
        return base

    def stage(self, stages: Stages, stage: Stage, job: Job) -> Outcome:
        found = stored(stage, job)
        self.looks.append(found)
        if found.outcome is None:
            raise NotStored(stage.name, job.slot, found.why)
        if self.notes:
            job.workspace.remember(job.recipe(), job.slot)
        return found.outcome

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        return walk(stages, work, going)


def stored(stage: Stage, job: Job) -> Look:
    """Look the stage up in the store; nothing is written."""
    found = job.workspace.look(job.recipe(), job.slot)
    outcome = Outcome(job.workspace.store.ref(found.manifest), cached=True) if found.manifest else None
    return Look(stage.name, job, outcome, found.why)
