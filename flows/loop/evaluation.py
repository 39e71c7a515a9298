"""Any policy on any problem set: the E-step's two tasks with evaluation sampling, then statistics."""

from __future__ import annotations

from flows.run.run import Draws, Run, sample_and_verify
from tasks.data.problems import ProblemSet
from tasks.domain.prompts import template_named
from tasks.domain.results import PolicyScore
from tasks.domain.schema import Policy
from tasks.evaluate import EvaluateJob, evaluate, read_score
from tasks.store.workspace import Outcome

# Task runs cost a few milliseconds each and crowd the interface: at most so many for all epochs on val, and for one test.
VAL_TASK_RUNS, TEST_TASK_RUNS = 48, 32


def evaluate_policy(
    run: Run, policy: Policy, problems: ProblemSet, slot: str, *, val: bool = False, draw: str = ""
) -> PolicyScore:
    """Greedy pass@1, sampled pass@1, pass@k and maj@k. `val`: a few samples only, the reward that decides."""
    return read_score(run.workspace, scored(run, policy, problems, slot, val=val, draw=draw).ref)


def scored(run: Run, policy: Policy, problems: ProblemSet, slot: str, *, val: bool = False, draw: str = "") -> Outcome:
    """The evaluation as an artifact; greedy and sampled ranges share the engine. `draw` asks for fresh samples."""
    settings = run.config.evaluate
    stop = template_named(run.config.model.prompt).stop
    count = settings.val_samples if val else settings.samples
    most = VAL_TASK_RUNS // run.config.finetune.epochs if val else TEST_TASK_RUNS // 2
    greedy = Draws(
        f"{slot}/greedy", policy, problems, settings.greedy_sampling(stop), ((0, 1),), draw, most_task_runs=most
    )
    sampled = Draws(
        f"{slot}/sampled", policy, problems, settings.sampling(stop), ((0, count),), draw, most_task_runs=most
    )
    first = sample_and_verify(run, greedy) if settings.greedy and not val else []
    second = sample_and_verify(run, sampled) if count else []
    ranges = run.drive([*first, *second], run.config.generate.ranges_in_flight)
    if val:
        settings = settings.model_copy(update={"samples": count, "k": (1,), "greedy": False})
    job = EvaluateJob(
        run.workspace,
        f"{slot}/score",
        policy,
        problems,
        tuple(ranges[: len(first)]),
        tuple(ranges[len(first) :]),
        settings,
    )
    return run.result(run.submit(evaluate, job))
