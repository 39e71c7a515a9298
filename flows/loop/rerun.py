"""Goes through an iteration of a stored run again: one stage is done, and everything else is looked up."""

from __future__ import annotations

from dataclasses import replace

from flows.loop.em import evaluate_base, iteration
from flows.loop.expectation import expectation
from flows.loop.reached import Drawn, Reached
from flows.loop.rounds import at_round, grows
from flows.loop.warm_up import beginning
from flows.run.only_stage import OnlyStage
from flows.run.rows import Untimed
from flows.run.run import NotStored, Run
from flows.stored.policies import iteration_of, policy_of
from tasks.domain.errors import UserError


def rerun_stage(run: Run, only: OnlyStage) -> None:
    """Do the stage again; UserError when an input of it is not stored. Later stages stay as they are stored."""
    again = replace(run, stages=replace(run.stages, executor=only))
    row = Untimed(only.iteration)
    with only.put_back(run.workspace.store):
        reached = _reached_or_refused(again, only) if only.iteration else None
        try:
            if reached is None:
                evaluate_base(again, row)
            else:
                iteration(again, reached, row)
        except NotStored:
            if (lack := only.lacks()) is not None:
                raise _lacking(run, only, lack.stage, lack.job.slot, lack.why) from None


def reached_before(run: Run, number: int) -> Reached:
    """Return where the run's loop stood before an iteration; what was drawn before is looked up only where it is pooled."""
    reached = beginning(run, Untimed(0))
    for earlier in range(1, number):
        reached = _after(run, reached, earlier)
    return reached


def _after(run: Run, reached: Reached, number: int) -> Reached:
    """Return where the loop stood after a recorded iteration."""
    at_it = at_round(run, number)
    reached = reached.sampling(anew=grows(run.config.loop, number))
    drawn = expectation(at_it, reached, number) if run.config.loop.pool == "all" else Drawn(())
    policy = policy_of(run.workspace.store, run.workspace.run, number)
    trained = iteration_of(run.workspace.store, run.workspace.run, number).val_reward is not None
    return reached.trained(policy, drawn) if trained else reached.untrained(drawn)


def _reached_or_refused(run: Run, only: OnlyStage) -> Reached:
    """Return where the loop stood before; all of that is input, also the training on solutions by people."""
    try:
        return reached_before(run, only.iteration)
    except NotStored as missing:
        raise _lacking(run, only, missing.stage, missing.slot, missing.why) from None


def _lacking(run: Run, only: OnlyStage, maker: str, slot: str, why: str) -> UserError:
    return UserError(
        f"{only.stage_name} of iteration {only.iteration} of run {run.workspace.run!r} needs results of {maker} that are "
        f"not in the store ({slot}: {why}); run {maker} first, or the whole run"
    )
