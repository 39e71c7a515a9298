"""Evaluates any policy on any problem set: generate and verify with evaluation sampling, then statistics."""

from __future__ import annotations

from dataclasses import replace

from flows.run.draws import Draws
from flows.run.rows import Row
from flows.run.run import Run
from flows.run.waves import drive
from tasks.data.problems import ProblemSet
from tasks.domain.chat_template import template_of
from tasks.domain.run_result import PolicyScore
from tasks.domain.schema import Policy
from tasks.evaluate import EvaluateJob, evaluate, read_score
from tasks.store.slots import TRANSFER, Slot, transfer_place
from tasks.store.workspace import Outcome

# Task runs cost a few milliseconds each and crowd the interface: at most so many for all epochs on val, and for one test.
VAL_TASK_RUNS, TEST_TASK_RUNS = 48, 32


def evaluate_policy(
    run: Run, policy: Policy, problems: ProblemSet, slot: Slot, *, val: bool = False, draw: str = ""
) -> PolicyScore:
    """Measure greedy pass@1, sampled pass@1, pass@k and maj@k. On `val` it draws a few samples only and measures the reward that
    chooses the epoch."""
    return read_score(run.workspace, scored(run, policy, problems, slot, val=val, draw=draw).ref)


def evaluate_everywhere(run: Run, policy: Policy, row: Row) -> None:
    """Evaluate the policy with which an iteration ends on test, and on every transfer set where the run has some."""
    with row.phase("evaluate"):
        row.test = evaluate_policy(run, policy, run.problems.test, Slot.of(row.number, "test"))
    if run.problems.transfer:
        with row.phase(TRANSFER):
            row.transfer = {
                name: evaluate_policy(run, policy, problems, Slot.of(row.number, TRANSFER, transfer_place(name)))
                for name, problems in run.problems.transfer.items()
            }


def scored(run: Run, policy: Policy, problems: ProblemSet, slot: Slot, *, val: bool = False, draw: str = "") -> Outcome:
    """Return the evaluation as an artifact; greedy and sampled ranges share the engine. A new `draw` asks for fresh samples."""
    settings = run.config.evaluate
    stop = template_of(run.config.model).stop
    count = settings.val_samples if val else settings.samples
    most = VAL_TASK_RUNS // run.config.finetune.checkpoints if val else TEST_TASK_RUNS // 2
    greedy = Draws(
        replace(slot, sampling="greedy"), policy, problems, settings.greedy_sampling(stop), ((0, 1),), draw,
        most_task_runs=most,
    )  # fmt: skip
    sampled = Draws(
        replace(slot, sampling="sampled"), policy, problems, settings.sampling(stop), ((0, count),), draw,
        most_task_runs=most,
    )  # fmt: skip
    size = run.config.generate.range_size
    first = greedy.ranges(size) if settings.greedy and not val else []
    second = sampled.ranges(size) if count else []
    ranges = drive(run.stages, [*first, *second])
    if val:
        settings = settings.model_copy(update={"samples": count, "k": (1,), "greedy": False})
    job = EvaluateJob(
        run.workspace, str(replace(slot, stage="score")), policy, problems, tuple(ranges[: len(first)]),
        tuple(ranges[len(first) :]), settings,
    )  # fmt: skip
    return run.do(evaluate, job)
