"""The E-step: waves of generate -> verify over all train problems, ranges overlapped (paper, Algorithm 1, "Generate")."""

from __future__ import annotations

from itertools import accumulate

from flows.run import Draws, Run, sample_and_verify
from tasks.domain.prompts import template_named
from tasks.domain.schema import Policy, Sample, Verdict
from tasks.domain.selection import remaining_problems
from tasks.ranges import RangeSamples


def expectation(run: Run, policy: Policy, iteration: int) -> list[RangeSamples]:
    """Draw and grade the train problems' samples; a problem drops out when its cap of accepted solutions is filled."""
    settings = run.config.generate
    stops = list(accumulate(settings.waves))
    draws = Draws(
        slot=f"iteration-{iteration}/train",
        policy=policy,
        problems=run.problems.train,
        sampling=settings.sampling(template_named(run.config.model.prompt).stop),
        spans=tuple(zip([0, *stops], stops, strict=False)),
        draw=run.config.loop.draw,
    )
    return run.drive(sample_and_verify(run, draws, lambda done: _unfilled(run, done)), settings.ranges_in_flight)


def _unfilled(run: Run, done: RangeSamples) -> tuple[str, ...]:
    """Ids of the range's problems that still lack accepted solutions."""
    store = run.workspace.store
    samples = [row for ref, _ in done.waves for row in store.rows(ref, Sample)]
    verdicts = [row for _, ref in done.waves for row in store.rows(ref, Verdict)]
    problems = run.problems.train.select(done.ids)
    return tuple(one.id for one in remaining_problems(problems, samples, verdicts, run.config.materialize))
