"""The family as one loop: sample, check, keep what counts, train on it, evaluate, again. ReST-EM is its default.

Nothing here knows how stages are executed or where results are shown: a run, a night, a plan and the rerun of one stage all
call `iteration`. Nor does it know a method by name: a method is a row of settings (docs/methods.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from flows.loop.data import dataset_job
from flows.loop.evaluation import evaluate_everywhere
from flows.loop.expectation import expectation
from flows.loop.maximization import maximization
from flows.loop.reached import Reached
from flows.loop.rounds import at_round, grows
from flows.loop.thresholds import tell_low_threshold
from flows.loop.top_one import tell_unrewarded
from flows.loop.warm_up import beginning
from flows.run.rows import Row, Told
from flows.run.run import Run
from tasks.domain.errors import StageFailed
from tasks.domain.schema import Policy
from tasks.materialize import materialize
from tasks.store.ranges import RangeSamples
from tasks.store.workspace import log

Result = TypeVar("Result")
Pool = Callable[
    [Sequence[RangeSamples]], Sequence[RangeSamples]
]  # this round's samples -> those that the data set is made from


def em_loop(run: Run, record: Told[Result]) -> Result:
    """Run the loop with whatever executor `run` has; `record` is told of every phase."""
    with record.iteration(0) as base:
        evaluate_base(run, base)
        reached = beginning(run, base)
    for number in range(1, run.config.loop.iterations + 1):
        with record.iteration(number) as row:
            reached = iteration(run, reached, row)
        if record.should_stop() or (reached.idle and run.config.loop.nothing_accepted == "stop"):
            break
    return record.finish()


def evaluate_base(run: Run, row: Row) -> None:
    """Evaluate the base policy, with which every iteration is compared."""
    evaluate_everywhere(run, run.base, row)


def this_round(samples: Sequence[RangeSamples]) -> Sequence[RangeSamples]:
    """Return the samples of this iteration only, which is what ReST-EM trains on."""
    return samples


def iteration(run: Run, reached: Reached, row: Row, pool: Pool = this_round) -> Reached:
    """Run one iteration from where the loop stands, and return where it stands then.

    `pool` may add ranges to this round's, or choose none: then nothing is trained and the policy stays, as it does when
    nothing is accepted and the settings let the loop go on.
    """
    run = at_round(run, row.number)
    reached = reached.sampling(anew=grows(run.config.loop, row.number))
    with row.phase("E-step"):
        drawn = expectation(run, reached, row.number)
        samples = pool(drawn.ranges)
        tell_low_threshold(run, drawn.ranges, row.number)
        tell_unrewarded(run, drawn.ranges, row.number)
    if samples or run.config.materialize.human == "only":
        with row.phase("materialize"):
            row.dataset = run.do(materialize, dataset_job(run, reached, drawn, samples, row.number))
    if row.dataset is not None and _has_rows(run, row):
        with row.phase("M-step"):
            row.maximized = maximization(run, start_of(run, reached), row.dataset.ref, row.number)
        after = reached.trained(row.maximized.policy, drawn)
    else:
        after = reached.untrained(drawn)
    row.policy = after.policy
    evaluate_everywhere(run, after.policy, row)
    return after


def start_of(run: Run, reached: Reached) -> Policy:
    """Return the weights that training starts from."""
    return {"base": run.base, "sft": reached.sft or run.base, "previous": reached.policy}[run.config.finetune.start]


def _has_rows(run: Run, row: Row) -> bool:
    """Return whether there is something to train on; StageFailed where a round without rows must not go on."""
    assert row.dataset is not None
    if row.dataset.ref.rows:
        return True
    if run.config.loop.nothing_accepted == "fail":
        raise StageFailed(f"iteration {row.number} accepted nothing; loop.nothing_accepted can be go_on or stop")
    log.warning("iteration %d: nothing was accepted, so nothing is trained and the policy stays", row.number)
    return False
