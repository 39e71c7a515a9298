"""The M-step: fine-tune on the accepted samples, then keep the epoch with the best reward on the val problems."""

from __future__ import annotations

from dataclasses import replace

from flows.loop.evaluation import evaluate_policy
from flows.run.rows import Maximized
from flows.run.run import Run
from tasks.domain.chat_template import template_of
from tasks.domain.errors import StageFailed
from tasks.domain.results import EpochScore
from tasks.domain.schema import Policy
from tasks.engines.training.sft_rows import Joining
from tasks.finetune import FinetuneJob, finetune, policies
from tasks.store.artifacts import ArtifactRef
from tasks.store.slots import Slot


def maximization(run: Run, start: Policy, dataset: ArtifactRef, iteration: int) -> Maximized:
    """Algorithm 1 trains "while reward improves on D_val": all epochs are trained, the best on val is kept."""
    outcome = run.do(finetune, finetune_job(run, start, dataset, iteration))
    trained = policies(run.workspace, outcome.ref)
    losses = [epoch["train_loss"] for epoch in run.workspace.store.manifest_of(outcome.ref).meta["epochs"]]
    scores = [
        evaluate_policy(run, policy, run.problems.val, Slot.of(iteration, "val", f"epoch-{number}"), val=True)
        for number, policy in enumerate(trained, start=1)
    ]
    rewards = [score.sampled.value if score.sampled is not None else None for score in scores]
    best = best_epoch(rewards)
    epochs = tuple(
        EpochScore(number, score.sampled, number == best + 1, loss, policy.digest)
        for number, (score, loss, policy) in enumerate(zip(scores, losses, trained, strict=True), start=1)
        if score.sampled is not None
    )
    return Maximized(replace(trained[best], name=str(Slot.of(iteration))), epochs, outcome)


def finetune_job(run: Run, start: Policy, dataset: ArtifactRef, iteration: int) -> FinetuneJob:
    """Return the training job of one iteration."""
    slot = str(Slot.of(iteration, stage="finetune"))
    template = template_of(run.config.model)
    joining = Joining(template.complete, template.end)
    return FinetuneJob(run.workspace, slot, start, dataset, run.config.finetune, run.config.engine, joining)


def best_epoch(rewards: list[float | None]) -> int:
    """Return the position of the best val reward; among equals the earliest, which was trained least.

    An epoch without a value is never chosen. StageFailed when no epoch has one.
    """
    known = [(reward, -number) for number, reward in enumerate(rewards) if reward is not None]
    if not known:
        raise StageFailed(
            f"none of the {len(rewards)} epochs has a reward on the val problems, so none can be chosen; "
            "see the labels of the val samples"
        )
    return -max(known)[1]
