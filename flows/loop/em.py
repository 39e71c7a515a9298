"""ReST-EM as one loop: sample, check, keep what is correct, train the base on it, evaluate, again.

Nothing here knows how stages are executed or where results are shown: a run, a night, a plan and the rerun of one stage all
call `iteration`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flows.loop.evaluation import evaluate_policy
from flows.loop.expectation import expectation
from flows.loop.maximization import maximization
from flows.run.rows import Row, Told
from flows.run.run import Run
from tasks.domain.schema import Policy
from tasks.materialize import MaterializeJob, materialize
from tasks.store.ranges import RangeSamples
from tasks.store.slots import Slot

Result = TypeVar("Result")
Pool = Callable[
    [list[RangeSamples]], list[RangeSamples]
]  # this round's samples -> those that the data set is made from


def em_loop(run: Run, record: Told[Result]) -> Result:
    """Run the loop with whatever executor `run` has; `record` is told of every phase."""
    policy = run.base
    with record.iteration(0) as base:
        evaluate_base(run, base)
    for number in range(1, run.config.loop.iterations + 1):
        with record.iteration(number) as row:
            policy = iteration(run, policy, row)
        if record.should_stop():
            break
    return record.finish()


def evaluate_base(run: Run, row: Row) -> None:
    """Evaluate the base policy, with which every iteration is compared."""
    with row.phase("evaluate"):
        row.test = evaluate_policy(run, run.base, run.problems.test, Slot.of(0, "test"))


def this_round(samples: list[RangeSamples]) -> list[RangeSamples]:
    """Return the samples of this iteration only, which is what ReST-EM trains on."""
    return samples


def iteration(run: Run, policy: Policy, row: Row, pool: Pool = this_round) -> Policy:
    """Run one EM iteration from `policy` and return the policy that it ends with.

    `pool` chooses what the data set is made from. When it chooses nothing, nothing is trained and the policy stays.
    """
    with row.phase("E-step"):
        samples = pool(expectation(run, policy, row.number))
    if samples:
        with row.phase("materialize"):
            row.dataset = run.do(materialize, dataset_job(run, samples, row.number))
        with row.phase("M-step"):
            start = run.base if run.config.finetune.start == "base" else policy
            row.maximized = maximization(run, start, row.dataset.ref, row.number)
        policy = row.maximized.policy
    with row.phase("evaluate"):
        row.test = evaluate_policy(run, policy, run.problems.test, Slot.of(row.number, "test"))
    return policy


def dataset_job(run: Run, samples: list[RangeSamples], iteration: int) -> MaterializeJob:
    """Return the materialize job of one iteration."""
    return MaterializeJob(
        run.workspace, str(Slot.of(iteration, stage="materialize")), tuple(samples), run.problems.train,
        run.config.model, run.config.materialize, run.config.generate.waves[0],
    )  # fmt: skip
