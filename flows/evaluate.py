"""Any policy on any problem set: the E-step's two tasks with evaluation sampling, then statistics."""

from __future__ import annotations

from flows.run import Draws, Run, sample_and_verify
from tasks.domain.prompts import template_named
from tasks.domain.results import PolicyScore
from tasks.domain.schema import Policy
from tasks.evaluate import EvaluateJob, evaluate, read_score
from tasks.problems import ProblemSet
from tasks.workspace import Outcome


def evaluate_policy(run: Run, policy: Policy, problems: ProblemSet, slot: str, *, val: bool = False) -> PolicyScore:
    """Greedy pass@1, sampled pass@1, pass@k and maj@k. `val`: a few samples only, the reward that decides."""
    return read_score(run.workspace, scored(run, policy, problems, slot, val=val).ref)


def scored(run: Run, policy: Policy, problems: ProblemSet, slot: str, *, val: bool = False) -> Outcome:
    """The evaluation as an artifact; greedy and sampled ranges share the engine."""
    settings = run.config.evaluate
    stop = template_named(run.config.model.prompt).stop
    count = settings.val_samples if val else settings.samples
    greedy = Draws(f"{slot}/greedy", policy, problems, settings.greedy_sampling(stop), ((0, 1),))
    sampled = Draws(f"{slot}/sampled", policy, problems, settings.sampling(stop), ((0, count),))
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
