"""An opened run: its config, workspace, problems and base policy, and the executor that does its stages.

`Run` and `Stages` are data. The executor decides whether a stage runs here, on a fleet of workers, or is only looked up in the
store; the hook decides what may still be begun. Both are passed in, and neither is inherited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from flows.config import RunConfig
from flows.run.draws import Draws, RangeWork
from tasks.data.problems import ProblemSets
from tasks.domain.schema import Policy
from tasks.store.ranges import RangeSamples
from tasks.store.stage import Job, Stage
from tasks.store.workspace import Outcome, Workspace


@dataclass(frozen=True)
class Failure:
    """The first task run of a run that failed: its stage and its place in the run."""

    stage: str
    slot: str
    error: BaseException


class Journal:
    """What the stages of the current phase did: how many task runs were answered from the store, and how many worked.

    `failure` is the first task run that failed. `config` is what really runs, where the form says something else (a night).
    """

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.failure: Failure | None = None
        self.config: RunConfig | None = None
        self.jobs: list[UUID] = []  # flow runs that work for this one

    def note(self, outcome: Outcome) -> Outcome:
        self.outcomes.append(outcome)
        return outcome

    def failed(self, stage: str, slot: str, error: BaseException) -> None:
        """Keep the first failure only, because later ones follow from it."""
        self.failure = self.failure or Failure(stage, slot, error)

    def take(self) -> list[Outcome]:
        """Return the outcomes since the last call."""
        taken, self.outcomes = self.outcomes, []
        return taken


class NotStored(Exception):
    """A stage that was only looked up is not in the store. `why` says which part of its recipe is new."""

    def __init__(self, stage: str, slot: str, why: str) -> None:
        super().__init__(why)
        self.stage, self.slot, self.why = stage, slot, why


class Hook(Protocol):
    """A rule that is asked between the waves of every range."""

    def goes_on(self, draws: Draws) -> bool:
        """Return whether another wave of these draws may be begun."""


class NoLimit:
    """The hook of a run without a budget."""

    def goes_on(self, draws: Draws) -> bool:
        return True


class Executor(Protocol):
    """A way to get the stages of a run done."""

    @property
    def keeps_going(self) -> bool:
        """Return whether ranges are still begun after one has failed."""

    def in_flight(self, stages: Stages, ranges: int) -> int:
        """Return how many of this number of ranges are worked on at once."""

    def base(self, stages: Stages, base: Policy) -> Policy:
        """Return the base policy at a place where everybody who works for the run can read it."""

    def stage(self, stages: Stages, stage: Stage, job: Job) -> Outcome:
        """Do one job and wait for it. Several threads may call this at once."""

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        """Do the waves of one problem range. No wave is begun once `going()` is false."""


@dataclass(frozen=True)
class Stages:
    """Gets the stages of one run done: it holds the settings, the workspace, the executor and the journal."""

    config: RunConfig
    workspace: Workspace
    executor: Executor
    hook: Hook = field(default_factory=NoLimit)
    journal: Journal = field(default_factory=Journal, compare=False)

    def do(self, stage: Stage, job: Job) -> Outcome:
        """Do one job of one stage; the journal is told how it ended."""
        try:
            return self.journal.note(self.executor.stage(self, stage, job))
        except NotStored:
            raise
        except Exception as error:
            self.journal.failed(stage.name, job.slot, error)
            raise


@dataclass(frozen=True)
class Run:
    """What the loop needs to know: the problems, the base policy, and the stages."""

    stages: Stages
    problems: ProblemSets
    base: Policy

    @property
    def config(self) -> RunConfig:
        return self.stages.config

    @property
    def workspace(self) -> Workspace:
        return self.stages.workspace

    @property
    def journal(self) -> Journal:
        return self.stages.journal

    def do(self, stage: Stage, job: Job) -> Outcome:
        """Do one job of one stage."""
        return self.stages.do(stage, job)
