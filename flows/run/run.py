"""One run, opened: its config, its places, its problems and its base policy. Flows pass this around; tasks never see it."""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flows.config import RunConfig
from flows.run.makers import Makers
from tasks.data.problems import ProblemSet, ProblemSets
from tasks.domain.schema import Policy, Sample, Sampling, Verdict
from tasks.domain.selection import remaining_problems
from tasks.generate import GenerateJob, generate
from tasks.store.ranges import MAX_RANGES, RangeSamples, split_ranges
from tasks.store.stage import with_retries
from tasks.store.workspace import Outcome, Workspace
from tasks.verify import VerifyJob, verify


@dataclass(frozen=True)
class Failure:
    """The first task run of a run that failed: its stage and its place in the run."""

    stage: str
    slot: str
    error: BaseException


class Journal:
    """What the stages of the phase in progress did: how many task runs were answered from the store, how many worked.

    `submitted` names the task runs on their way; `failure` is the first that failed. `config` is what really runs, where
    that is not what the form says (a night).
    """

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.submitted: dict[int, tuple[str, str]] = {}
        self.failure: Failure | None = None
        self.config: RunConfig | None = None
        self.jobs: list[UUID] = []  # flow runs that work for this one
        self.makers = Makers()

    def note(self, outcome: Outcome) -> Outcome:
        self.outcomes.append(outcome)
        return outcome

    def take(self) -> list[Outcome]:
        """The outcomes since the last call."""
        taken, self.outcomes = self.outcomes, []
        return taken


@dataclass(frozen=True)
class Run:
    """What every stage of a run needs to know."""

    config: RunConfig
    workspace: Workspace
    problems: ProblemSets
    base: Policy
    journal: Journal = field(default_factory=Journal, compare=False)

    def submit(self, stage: Any, job: Any) -> Any:
        """Start the stage's Prefect task with this run's retries; a future."""
        future = with_retries(stage, self.config.retry).submit(job, wait_for=self.journal.makers.of(job))
        self.journal.submitted[id(future)] = (stage.name, job.slot)
        return future

    def result(self, future: Any) -> Outcome:
        """Wait for a submitted stage."""
        stage, slot = self.journal.submitted.pop(id(future), ("", ""))
        try:
            outcome = self.journal.note(future.result())
            self.journal.makers.note(stage, future, outcome, self.workspace.store)
            return outcome
        except Exception as error:
            self.journal.failure = self.journal.failure or Failure(stage, slot, error)
            raise

    def drive(self, pipelines: Iterable[Pipeline], in_flight: int) -> list[RangeSamples]:
        """Run pipelines side by side; see `_drive`."""
        return _drive(self, pipelines, in_flight)


@dataclass(frozen=True)
class Stored:
    """A stage that was looked up, not run; `outcome` is None where nothing is stored. Stands for a Prefect future."""

    outcome: Outcome | None
    slot: str
    why: str
    wrapped_future: concurrent.futures.Future[None] = field(default_factory=concurrent.futures.Future)

    def __post_init__(self) -> None:
        self.wrapped_future.set_result(None)

    @classmethod
    def look(cls, workspace: Workspace, job: Any) -> Stored:
        found = workspace.look(job.recipe(), job.slot)
        outcome = Outcome(workspace.store.ref(found.manifest), cached=True) if found.manifest else None
        return cls(outcome, job.slot, found.why)


@dataclass(frozen=True)
class Draws:
    """Which completions are wanted: from whom, for what, how, and how many a problem."""

    slot: str
    policy: Policy
    problems: ProblemSet
    sampling: Sampling
    spans: tuple[tuple[int, int], ...]  # [start, stop) of the indices, a wave each
    draw: str = ""
    capped: bool = False  # a problem whose cap of accepted solutions is filled drops out of later waves
    most_task_runs: int = 32  # ranges grow where there would be more

    @property
    def most_ranges(self) -> int:
        """Each range takes two task runs a wave."""
        return max(1, min(MAX_RANGES, self.most_task_runs // (2 * len(self.spans))))


class Pipeline(Generator[Any, Outcome, RangeSamples]):
    """One problem range on its way through its waves of generate -> verify; yields task runs, is sent their outcomes."""

    def __init__(self, run: Run, draws: Draws, number: int, ids: tuple[str, ...]) -> None:
        self.draws, self.number, self.ids = draws, number, ids
        self._steps = _waves(run, draws, number, ids)

    @property
    def slot(self) -> str:
        return f"{self.draws.slot}/range-{self.number:03d}"

    def looked_up(self) -> RangeSamples | Any:
        """To the end, or to the first look-up whose `outcome` is None; for runs that only look into the store."""
        try:
            look = next(self)
            while look.outcome is not None:
                look = self.send(look.outcome)
        except StopIteration as end:
            done: RangeSamples = end.value
            return done
        self.close()
        return look

    def send(self, outcome: Any) -> Any:
        return self._steps.send(outcome)

    def throw(self, *error: Any) -> Any:
        return self._steps.throw(*error)


def sample_and_verify(run: Run, draws: Draws) -> list[Pipeline]:
    """A pipeline per problem range."""
    ranges = split_ranges(draws.problems.all(), run.config.generate.range_size, draws.most_ranges)
    return [Pipeline(run, draws, number, ids) for number, ids in enumerate(ranges)]


def unfilled(run: Run, problems: ProblemSet, done: RangeSamples) -> tuple[str, ...]:
    """Ids of the range's problems that still lack accepted solutions."""
    store = run.workspace.store
    samples = [row for ref, _ in done.waves for row in store.rows(ref, Sample)]
    verdicts = [row for _, ref in done.waves for row in store.rows(ref, Verdict)]
    return tuple(
        one.id for one in remaining_problems(problems.select(done.ids), samples, verdicts, run.config.materialize)
    )


def _waves(run: Run, draws: Draws, number: int, ids: tuple[str, ...]) -> Generator[Any, Outcome, RangeSamples]:
    config, done = run.config, RangeSamples(ids, ())
    wanted = ids
    for wave, (start, stop) in enumerate(draws.spans):
        where = f"{draws.slot}/range-{number:03d}/wave-{wave}"
        samples = yield run.submit(
            generate,
            GenerateJob(
                run.workspace, f"{where}/generate", draws.policy, draws.problems, wanted, config.model, config.engine,
                draws.sampling, start, stop, draws.draw, config.generate.flush_seconds,
            ),
        )  # fmt: skip
        verdicts = yield run.submit(
            verify, VerifyJob(run.workspace, f"{where}/verify", samples.ref, draws.problems, wanted, config.verify)
        )
        done = RangeSamples(ids, (*done.waves, (samples.ref, verdicts.ref)))
        wanted = unfilled(run, draws.problems, done) if draws.capped and wave + 1 < len(draws.spans) else wanted
        if not wanted:
            break
    return done


def _drive(run: Run, pipelines: Iterable[Pipeline], in_flight: int) -> list[RangeSamples]:
    """Run pipelines side by side, `in_flight` at once, so that grading one range overlaps with sampling the next.

    Results keep the order of the pipelines. The first failure is raised after the task runs in flight have ended.
    """
    waiting = deque(enumerate(pipelines))
    active: dict[Any, tuple[int, Any, Pipeline]] = {}
    results: dict[int, RangeSamples] = {}
    failure: Exception | None = None
    while active or (waiting and failure is None):
        while waiting and failure is None and len(active) < in_flight:
            number, pipeline = waiting.popleft()
            _step(number, pipeline, None, active, results)
        done, _ = concurrent.futures.wait(active, return_when=concurrent.futures.FIRST_COMPLETED)
        for finished in done:
            number, task_run, pipeline = active.pop(finished)
            try:
                outcome = run.result(task_run)
            except Exception as error:  # noqa: BLE001  boundary: whatever a task failed with is raised below, once
                failure = failure or error
                continue
            if failure is None:
                _step(number, pipeline, outcome, active, results)
    if failure is not None:
        raise failure
    return [results[number] for number in sorted(results)]


def _step(
    number: int, pipeline: Pipeline, outcome: Outcome | None, active: dict[Any, Any], results: dict[int, Any]
) -> None:
    """Hand a pipeline its last outcome; it answers with its next task run, or ends."""
    try:
        task_run = next(pipeline) if outcome is None else pipeline.send(outcome)
    except StopIteration as end:
        results[number] = end.value
    else:
        active[task_run.wrapped_future] = (number, task_run, pipeline)
