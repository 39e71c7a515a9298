"""The E-step: waves of generate -> verify over all train problems, ranges overlapped (paper, Algorithm 1, "Generate")."""

from __future__ import annotations

from itertools import accumulate

from flows.run.draws import Draws
from flows.run.run import Run
from flows.run.waves import drive
from tasks.domain.chat_template import template_of
from tasks.domain.schema import Policy
from tasks.store.ranges import RangeSamples
from tasks.store.slots import Slot

MOST_TASK_RUNS = 170  # of one E-step; with the evaluations an iteration stays below 300, see flows.loop.evaluation


def expectation(run: Run, policy: Policy, iteration: int) -> list[RangeSamples]:
    """Draw and grade samples of the train problems; a problem drops out when it has its cap of accepted solutions."""
    settings = run.config.generate
    stops = list(accumulate(settings.waves))
    draws = Draws(
        slot=Slot.of(iteration, "train"),
        policy=policy,
        problems=run.problems.train,
        sampling=settings.sampling(template_of(run.config.model).stop),
        spans=tuple(zip([0, *stops], stops, strict=False)),
        draw=run.config.loop.draw,
        capped=True,
        most_task_runs=MOST_TASK_RUNS,
    )
    return drive(run.stages, draws.ranges(settings.range_size))
