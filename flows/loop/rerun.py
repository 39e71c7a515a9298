"""Goes through an iteration of a stored run again: one stage is done, and everything else is looked up."""

from __future__ import annotations

from dataclasses import replace

from flows.loop.em import evaluate_base, iteration
from flows.run.only_stage import OnlyStage
from flows.run.rows import Untimed
from flows.run.run import NotStored, Run
from flows.stored.policies import policy_of
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy

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
                iteration(again, _sampled(run, only.iteration), row)
        except NotStored:
            _refuse_missing_input(run, only)


def _sampled(run: Run, number: int) -> Policy:
    """Return the policy that this iteration samples from."""
    return run.base if number == 1 else policy_of(run.workspace.store, run.workspace.run, number - 1)


def _refuse_missing_input(run: Run, only: OnlyStage) -> None:
    lack = only.lacks()
    if lack is not None:
        maker = MAKER.get(only.stage_name, "generate")
        raise UserError(
            f"{only.stage_name} of iteration {only.iteration} of run {run.workspace.run!r} needs results of {maker} that are "
            f"not in the store ({lack.job.slot}: {lack.why}); run {maker} first, or the whole run"
        )
