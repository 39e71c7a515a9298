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

MAKER = {"verify": "generate", "materialize": "verify", "finetune": "materialize", "evaluate": "finetune"}


def rerun_stage(run: Run, only: OnlyStage) -> None:
    """Do the stage again; UserError when an input of it is not stored. Later stages stay as they are stored."""
    again = replace(run, stages=replace(run.stages, executor=only))
    row = Untimed(only.iteration)
    with only.put_back(run.workspace.store):
        try:
            if only.iteration == 0:
                evaluate_base(again, row)
            else:
                iteration(again, reached_before(again, only.iteration), row)
        except NotStored:
            _refuse_missing_input(run, only)


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


def _refuse_missing_input(run: Run, only: OnlyStage) -> None:
    lack = only.lacks()
    if lack is not None:
        maker = MAKER.get(only.stage_name, "generate")
        raise UserError(
            f"{only.stage_name} of iteration {only.iteration} of run {run.workspace.run!r} needs results of {maker} that are "
            f"not in the store ({lack.job.slot}: {lack.why}); run {maker} first, or the whole run"
        )
