"""The policies that a loop begins with: the base, or the base tuned on solutions by people; and who is sampled."""

from __future__ import annotations

from dataclasses import replace

from flows.config import RunConfig
from flows.loop.data import human_job
from flows.loop.maximization import maximization
from flows.loop.people import solutions_by_people
from flows.loop.reached import Reached
from flows.run.policies import policy_named
from flows.run.rows import Row
from flows.run.run import Run
from tasks.domain.schema import Policy
from tasks.materialize import materialize


def warms_up(config: RunConfig) -> bool:
    """Return whether the base is tuned on solutions by people before the first round."""
    return "sft" in (config.loop.first, config.finetune.start)


def beginning(run: Run, row: Row) -> Reached:
    """Return where the loop stands before its first round. `row` is that of the base."""
    sft = tuned_on_people(run, row) if warms_up(run.config) else None
    first = sft if sft is not None and run.config.loop.first == "sft" else run.base
    return Reached.at(first, sft)


def tuned_on_people(run: Run, row: Row) -> Policy:
    """Return the base tuned on the solutions that came with the train problems, its epoch chosen on val."""
    with row.phase("materialize"):
        dataset = run.do(materialize, human_job(run, solutions_by_people(run)))
    with row.phase("M-step"):
        return replace(maximization(run, run.base, dataset.ref, 0).policy, name="sft")


def sampler_of(run: Run, reached: Reached) -> Policy:
    """Return who is sampled: the policy that the samples are grown from, or the teacher."""
    if run.config.loop.sampler == "policy":
        return reached.sampler
    engine = run.config.teacher.engine
    if engine is not None and engine.kind == "openai":
        return Policy(str(engine.fixed_policy), "", "teacher")
    return replace(policy_named(run, run.config.teacher.policy), name="teacher")
