"""ReST-EM as one Prefect flow: sample, check, keep what is correct, train the base on it, evaluate, again."""

from __future__ import annotations

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.config import RunConfig
from flows.loop.evaluation import evaluate_policy
from flows.loop.expectation import expectation
from flows.loop.maximization import maximization
from flows.run.preflight import open_run
from flows.run.recorder import Record
from flows.run.run import Run
from tasks.domain.results import RunResult
from tasks.materialize import MaterializeJob, materialize
from tasks.store.ranges import RangeSamples

THREADS = 16  # task runs side by side; how many ranges work at once is generate.ranges_in_flight


@flow(
    name="self-train",
    flow_run_name="{config.run.name}",
    task_runner=ThreadPoolTaskRunner(max_workers=THREADS),  # type: ignore[arg-type]
    persist_result=False,
    validate_parameters=True,
)
def self_train(config: RunConfig) -> RunResult:
    """Run the EM loop of `config`; everything that is in the store already is used, not done again."""
    with open_run(config) as run:
        return em_loop(run)


def em_loop(run: Run) -> RunResult:
    """The loop itself, in whatever way `run` gets its stages done."""
    config = run.config
    with Record(run) as record:
        policy = run.base
        with record.iteration(0) as base:
            base.test = evaluate_policy(run, policy, run.problems.test, "base/test")
        for iteration in range(1, config.loop.iterations + 1):
            with record.iteration(iteration) as row:
                with row.phase("E-step"):
                    samples = expectation(run, policy, iteration)
                with row.phase("materialize"):
                    row.dataset = run.result(run.submit(materialize, dataset_job(run, samples, iteration)))
                with row.phase("M-step"):
                    start = run.base if config.finetune.start == "base" else policy
                    row.maximized = maximization(run, start, row.dataset.ref, iteration)
                policy = row.maximized.policy
                with row.phase("evaluate"):
                    row.test = evaluate_policy(run, policy, run.problems.test, f"iteration-{iteration}/test")
            if record.should_stop():
                break
        return record.finish()


def dataset_job(run: Run, samples: list[RangeSamples], iteration: int) -> MaterializeJob:
    """The materialize job of one iteration."""
    return MaterializeJob(
        run.workspace, f"iteration-{iteration}/materialize", tuple(samples), run.problems.train, run.config.model,
        run.config.materialize, run.config.generate.waves[0],
    )  # fmt: skip
