"""Does one stage of one iteration again: only that stage really runs; everything else is looked up and never made.

It composes two executors. The inputs of the stage must be stored. A result that is stored already is set aside first, and
put back if the rerun fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from flows.run.draws import RangeWork
from flows.run.lookup import Look, Lookup, stored
from flows.run.run import Executor, Stages
from flows.run.waves import walk
from tasks.domain.schema import Policy
from tasks.store.artifacts import Store, key_of
from tasks.store.ranges import RangeSamples
from tasks.store.slots import TRANSFER, Slot
from tasks.store.stage import Job, Stage
from tasks.store.workspace import Outcome

StageName = Literal["generate", "verify", "materialize", "finetune", "evaluate"]
ORDER: tuple[StageName, ...] = ("generate", "verify", "materialize", "finetune", "evaluate")


@dataclass(frozen=True)
class Rerun:
    """One task run of the stage: the digest before (None when it was not stored) and its outcome."""

    slot: str
    before: str | None
    outcome: Outcome


@dataclass(frozen=True)
class Aside:
    """A manifest that was taken away so that its stage runs again."""

    path: str
    manifest: bytes
    digest: str


@dataclass(frozen=True)
class OnlyStage:
    """An executor in which `doer` does only `stage` of `iteration`; with `again`, also what is stored already."""

    stage_name: StageName
    iteration: int
    doer: Executor
    again: bool = True
    lookup: Lookup = field(default_factory=Lookup)
    aside: dict[str, Aside] = field(default_factory=dict)
    reruns: list[Rerun] = field(default_factory=list)
    keeps_going: bool = True  # each range goes as far as its inputs are stored

    def in_flight(self, stages: Stages, ranges: int) -> int:
        return self.doer.in_flight(stages, ranges)

    def base(self, stages: Stages, base: Policy) -> Policy:
        return self.doer.base(stages, base)

    def stage(self, stages: Stages, stage: Stage, job: Job) -> Outcome:
        if not self.covers(stage.name, Slot.parse(job.slot)):
            return self.lookup.stage(stages, stage, job)
        found = stored(stage, job)
        if self.again and found.outcome and stage.name == self.stage_name:
            self._set_aside(job, found.outcome.ref.digest)
        outcome = self.doer.stage(stages, stage, job)
        if not outcome.cached:
            before = self.aside.get(job.slot)
            self.reruns.append(Rerun(job.slot, before.digest if before else None, outcome))
        return outcome

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        return walk(stages, work, going)

    def covers(self, stage: str, slot: Slot) -> bool:
        """Return whether a job is to be done again. The stage `evaluate` stands for every job that scores a policy."""
        if slot.iteration != self.iteration:
            return False
        if self.stage_name == "evaluate":
            return slot.set in ("val", "test", TRANSFER)
        return stage == self.stage_name and not slot.is_evaluation

    @property
    def misses(self) -> list[Look]:
        return [look for look in self.lookup.looks if look.outcome is None]

    def lacks(self) -> Look | None:
        """Return the first input of the stage that is not stored. For E-step stages a range may end after its first
        wave, and second tries with a hint may not be there."""
        return next((miss for miss in self.misses if self._is_input(miss)), None)

    @contextmanager
    def put_back(self, store: Store) -> Iterator[None]:
        """Put results that were set aside back at the end of the block, unless they were made anew."""
        try:
            yield
        finally:
            for one in self.aside.values():
                store.put_if_absent(one.path, one.manifest)
                store.delete(f"{one.path}.before")

    def _is_input(self, miss: Look) -> bool:
        slot = Slot.parse(miss.job.slot)
        if slot.iteration is None:  # solutions by people, which join the data set
            return ORDER.index(self.stage_name) >= ORDER.index("materialize")
        if slot.iteration != self.iteration or slot.is_evaluation:
            return slot.iteration < self.iteration
        earlier = ORDER.index(miss.stage) < ORDER.index(self.stage_name) if miss.stage in ORDER else True
        follows = bool(slot.wave) or slot.set == "hint"  # asked of problems that the first verdicts choose
        return earlier and not (self.stage_name in ("generate", "verify") and follows)

    def _set_aside(self, job: Job, digest: str) -> None:
        recipe, store = job.recipe(), job.workspace.store
        path = f"{recipe['stage']}/{key_of(recipe)}/manifest.json"
        manifest = store.read_bytes(path)
        store.write_bytes(f"{path}.before", manifest)
        self.aside[job.slot] = Aside(path, manifest, digest)
        store.delete(path)
