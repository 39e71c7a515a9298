"""The M-step: fine-tune on the accepted samples, then keep the epoch with the best reward on the val problems."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flows.loop.evaluation import evaluate_policy
from flows.run.run import Run
from tasks.domain.results import EpochScore
from tasks.domain.schema import Policy
from tasks.finetune import FinetuneJob, finetune, policies
from tasks.store.artifacts import ArtifactRef
from tasks.store.workspace import Outcome


@dataclass(frozen=True)
class Maximized:
    """The chosen policy, how each epoch did on val, and the training's artifact."""

    policy: Policy
    epochs: tuple[EpochScore, ...]
    outcome: Outcome

    @property
    def chosen(self) -> EpochScore:
        return next(epoch for epoch in self.epochs if epoch.chosen)


def maximization(run: Run, start: Policy, dataset: ArtifactRef, iteration: int) -> Maximized:
    """Algorithm 1 trains "while reward improves on D_val": all epochs are trained, the best on val is kept."""
    slot = f"iteration-{iteration}"
    outcome = run.result(run.submit(finetune, finetune_job(run, start, dataset, iteration)))
    trained = policies(run.workspace, outcome.ref)
    losses = [epoch["train_loss"] for epoch in run.workspace.store.manifest_of(outcome.ref).meta["epochs"]]
    scores = [
        evaluate_policy(run, policy, run.problems.val, f"{slot}/val/epoch-{number}", val=True)
        for number, policy in enumerate(trained, start=1)
    ]
    rewards = [score.sampled for score in scores]
    best = best_epoch([reward.value for reward in rewards if reward is not None])
    epochs = tuple(
        EpochScore(number + 1, reward, number == best, loss, policy.digest)
        for number, (reward, loss, policy) in enumerate(zip(rewards, losses, trained, strict=True))
        if reward is not None
    )
    return Maximized(replace(trained[best], name=slot), epochs, outcome)


def finetune_job(run: Run, start: Policy, dataset: ArtifactRef, iteration: int) -> FinetuneJob:
    """The training of one iteration."""
    slot = f"iteration-{iteration}/finetune"
    return FinetuneJob(run.workspace, slot, start, dataset, run.config.finetune, run.config.engine)


def best_epoch(rewards: list[float]) -> int:
    """Position of the best val reward; of equal ones the earliest, which was trained least."""
    return max(range(len(rewards)), key=lambda number: (rewards[number], -number))
