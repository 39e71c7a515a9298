"""The E-step: waves of generate -> verify over the train problems, ranges overlapped (paper, Algorithm 1, "Generate")."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

from flows.loop.reached import Drawn, Reached
from flows.loop.rounds import problems_of
from flows.loop.warm_up import sampler_of
from flows.run.draws import Draws
from flows.run.run import Run
from flows.run.waves import drive, missed
from tasks.domain.chat_template import template_of
from tasks.store.slots import Slot

MOST_TASK_RUNS = 170  # of one E-step; with the evaluations an iteration stays below 300, see flows.loop.evaluation


def expectation(run: Run, reached: Reached, iteration: int) -> Drawn:
    """Draw and grade samples of the train problems; a problem drops out when it has its cap of accepted solutions."""
    if run.config.materialize.human == "only":
        return Drawn(())
    draws = draws_of(run, reached, iteration)
    ranges = tuple(drive(run.stages, draws.ranges(run.config.generate.range_size)))
    if run.config.loop.hint == "none":
        return Drawn(ranges)
    failed = tuple(name for one in ranges for name in missed(run.stages, draws.problems, one))
    again = replace(draws, slot=Slot.of(iteration, "hint"), spans=((0, 1),), ids=failed, hint=run.config.loop.hint)
    return Drawn(ranges, tuple(drive(run.stages, again.ranges(run.config.generate.range_size))))


def draws_of(run: Run, reached: Reached, iteration: int) -> Draws:
    """Return what is drawn in one iteration. After rounds that accepted nothing the same samples would come again, so they are
    drawn under a name of their own."""
    settings, loop = run.config.generate, run.config.loop
    stops = list(accumulate(settings.waves))
    return Draws(
        slot=Slot.of(iteration, "train"),
        policy=sampler_of(run, reached),
        problems=run.problems.train,
        sampling=settings.sampling(template_of(run.config.model).stop),
        spans=tuple(zip([0, *stops], stops, strict=False)),
        draw=f"{loop.draw}+{reached.idle}" if reached.idle else loop.draw,
        capped=True,
        most_task_runs=MOST_TASK_RUNS,
        ids=problems_of(run.config, [one.id for one in run.problems.train.all()], iteration),
        engine=run.config.teacher.engine if loop.sampler == "teacher" else None,
    )
