"""What a round's data set is made from: its own samples, second tries, earlier rounds, solutions by people."""

from __future__ import annotations

from collections.abc import Sequence

from flows.loop.people import solutions_by_people
from flows.loop.reached import Drawn, Reached
from flows.loop.rounds import problems_of
from flows.run.run import Run
from tasks.domain.judged import A_ROUND, HINTED, HUMAN
from tasks.materialize import MaterializeJob
from tasks.store.ranges import Extra, RangeSamples
from tasks.store.slots import Slot


def dataset_job(
    run: Run, reached: Reached, drawn: Drawn, samples: Sequence[RangeSamples], iteration: int
) -> MaterializeJob:
    """Return the materialize job of one iteration."""
    return MaterializeJob(
        run.workspace, str(Slot.of(iteration, stage="materialize")), tuple(samples), run.problems.train,
        run.config.model, run.config.materialize, run.config.generate.waves[0], tuple(_extras(run, reached, drawn, iteration)),
        may_be_empty=run.config.loop.nothing_accepted != "fail",
    )  # fmt: skip


def human_job(run: Run, written: tuple[RangeSamples, ...]) -> MaterializeJob:
    """Return the materialize job of what the base is tuned on before the first round."""
    settings = run.config.materialize.model_copy(update={"human": "only"})
    return MaterializeJob(
        run.workspace, str(Slot.of(0, stage="materialize")), (), run.problems.train, run.config.model, settings,
        run.config.generate.waves[0], (Extra(HUMAN, written),),
    )  # fmt: skip


def _extras(run: Run, reached: Reached, drawn: Drawn, iteration: int) -> list[Extra]:
    extras = [Extra(HINTED, drawn.hinted)] if drawn.hinted else []
    for age, before in enumerate(reached.earlier if run.config.loop.pool == "all" else (), start=1):
        extras.append(Extra(age * A_ROUND, before.ranges))
        extras += [Extra(age * A_ROUND + HINTED, before.hinted)] if before.hinted else []
    if run.config.materialize.human != "none":
        ids = problems_of(run.config, [one.id for one in run.problems.train.all()], iteration)
        extras.append(Extra(HUMAN, solutions_by_people(run, ids)))
    return extras
