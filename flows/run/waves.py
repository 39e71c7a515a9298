"""Takes problem ranges through waves of generate -> verify, several ranges side by side.

Only `drive` works on ranges together, and only `walk` goes through the waves of a range. An inline run walks each range here,
a worker of a fleet walks the range that it was sent, and a look-up walks to the first wave that is not stored.
"""

from __future__ import annotations

import concurrent.futures
import contextvars
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flows.run.draws import RangeWork
from flows.run.run import NotStored, Stages
from tasks.data.problems import ProblemSet
from tasks.domain.schema import Sample, Verdict
from tasks.domain.selection import remaining_problems, unsolved_problems
from tasks.generate import GenerateJob, generate
from tasks.store.artifacts import ArtifactRef
from tasks.store.ranges import RangeSamples
from tasks.verify import VerifyJob, verify


@dataclass(frozen=True)
class Driven:
    """What became of ranges, in their order: None for one without samples. `failure` is the first one, before any look-up without a result."""

    done: list[RangeSamples | None]
    failure: BaseException | None


def drive(stages: Stages, works: Sequence[RangeWork]) -> list[RangeSamples]:
    """Work on ranges side by side and return those that have samples, in their order; the first failure is raised."""
    driven = drive_to_the_end(stages, works)
    if driven.failure is not None:
        raise driven.failure
    return [one for one in driven.done if one is not None]


def drive_to_the_end(stages: Stages, works: Sequence[RangeWork]) -> Driven:
    """Work on ranges side by side, so that grading one overlaps with sampling the next.

    A failure is told after the ranges in flight have ended: a failed run leaves nothing running that a retry would meet.
    """
    failures: list[BaseException] = []
    stop = threading.Event()
    executor = stages.executor

    def one(work: RangeWork) -> RangeSamples | None:
        if stop.is_set():
            return None
        try:
            return executor.range(stages, work, lambda: not stop.is_set())
        except BaseException as error:  # noqa: BLE001  boundary of a thread: raised below
            failures.append(error)
            if not executor.keeps_going:
                stop.set()
            return None

    pool = concurrent.futures.ThreadPoolExecutor(max(1, executor.in_flight(stages, len(works))), "range")
    try:
        futures = [pool.submit(contextvars.copy_context().run, one, work) for work in works]
        done = [future.result() for future in futures]
    except BaseException:  # a signal: the threads wait for children that are being ended
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    failure = next((one for one in failures if not isinstance(one, NotStored)), next(iter(failures), None))
    return Driven([one if one is not None and one.waves else None for one in done], failure)


def walk(stages: Stages, work: RangeWork, going: Callable[[], bool] = lambda: True) -> RangeSamples:
    """Take one range through its waves of generate -> verify; stop early when no sample is wanted any more or the hook says so."""
    draws, done = work.draws, RangeSamples(work.ids, ())
    wanted = work.ids
    for wave, span in enumerate(draws.spans):
        if not (wanted and going() and stages.hook.goes_on(draws)):
            break
        done = RangeSamples(work.ids, (*done.waves, _wave(stages, work, wave, span, wanted)))
        if draws.capped and wave + 1 < len(draws.spans):
            wanted = unfilled(stages, draws.problems, done)
    return done


def _wave(
    stages: Stages, work: RangeWork, wave: int, span: tuple[int, int], ids: tuple[str, ...]
) -> tuple[ArtifactRef, ArtifactRef]:
    config, workspace, draws = stages.config, stages.workspace, work.draws
    slot = work.slot.at(wave=wave)
    job = GenerateJob(
        workspace, str(slot.at(stage="generate")), draws.policy, draws.problems, ids, config.model,
        draws.engine or config.engine, draws.sampling, *span, draws.draw, config.generate.flush_seconds, draws.hint,
    )  # fmt: skip
    samples = stages.do(generate, job).ref
    grading = VerifyJob(workspace, str(slot.at(stage="verify")), samples, draws.problems, ids, config.verify)
    return samples, stages.do(verify, grading).ref


def missed(stages: Stages, problems: ProblemSet, done: RangeSamples) -> tuple[str, ...]:
    """Return the ids of the range's problems of which no sample was accepted."""
    samples, verdicts = _graded(stages, done)
    unsolved = unsolved_problems(problems.select(done.ids), samples, verdicts, stages.config.materialize)
    return tuple(one.id for one in unsolved)


def _graded(stages: Stages, done: RangeSamples) -> tuple[list[Sample], list[Verdict]]:
    store = stages.workspace.store
    samples = [row for ref, _ in done.waves for row in store.rows(ref, Sample)]
    return samples, [row for _, ref in done.waves for row in store.rows(ref, Verdict)]


def unfilled(stages: Stages, problems: ProblemSet, done: RangeSamples) -> tuple[str, ...]:
    """Return the ids of the range's problems that still lack accepted solutions."""
    samples, verdicts = _graded(stages, done)
    settings, first_wave = stages.config.materialize, stages.config.generate.waves[0]
    remaining = remaining_problems(problems.select(done.ids), samples, verdicts, settings, first_wave)
    return tuple(one.id for one in remaining)
