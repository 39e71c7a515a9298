"""One run, opened: its config, its places, its problems and its base policy. Flows pass this around; tasks never see it."""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

from flows.config import RunConfig
from tasks.domain.schema import Policy, Sampling
from tasks.generate import GenerateJob, generate
from tasks.problems import ProblemSet, ProblemSets
from tasks.ranges import RangeSamples, split_ranges
from tasks.running import with_retries
from tasks.verify import VerifyJob, verify
from tasks.workspace import Outcome, Workspace

Pipeline = Generator[Any, Outcome, RangeSamples]


class Journal:
    """What the stages of the phase in progress did: how many task runs were answered from the store, how many worked."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

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
        return with_retries(stage, self.config.retry).submit(job)

    def result(self, future: Any) -> Outcome:
        """Wait for a submitted stage."""
        return self.journal.note(future.result())

    def drive(self, pipelines: Iterable[Pipeline], in_flight: int) -> list[RangeSamples]:
        """Run pipelines side by side; see `_drive`."""
        return _drive(self, pipelines, in_flight)


@dataclass(frozen=True)
class Draws:
    """Which completions are wanted: from whom, for what, how, and how many a problem."""

    slot: str
    policy: Policy
    problems: ProblemSet
    sampling: Sampling
    spans: tuple[tuple[int, int], ...]  # [start, stop) of the indices, a wave each
    draw: str = ""


def sample_and_verify(run: Run, draws: Draws, remaining: Any = None) -> list[Pipeline]:
    """A pipeline per problem range: waves of generate -> verify. `remaining(range)` says who needs another wave."""
    ranges = split_ranges(draws.problems.all(), run.config.generate.range_size)
    return [_pipeline(run, draws, number, ids, remaining) for number, ids in enumerate(ranges)]


def _pipeline(run: Run, draws: Draws, number: int, ids: tuple[str, ...], remaining: Any) -> Pipeline:
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
        wanted = remaining(done) if remaining and wave + 1 < len(draws.spans) else wanted
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
