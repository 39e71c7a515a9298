"""The M-step: fine-tune on the accepted samples, then keep the epoch with the best reward on the val problems."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from flows.loop.evaluation import Scoring, evaluate_policies
from flows.run.rows import Maximized
from flows.run.run import Run
from tasks.domain.chat_template import template_of
from tasks.domain.errors import StageFailed
from tasks.domain.run_result import EpochScore, unchanged_warning
from tasks.domain.schema import Policy
from tasks.engines.training.sft_rows import Joining
from tasks.finetune import FinetuneJob, finetune, policies
from tasks.store.artifacts import ArtifactRef
from tasks.store.slots import Slot

log = logging.getLogger("restem")


def maximization(run: Run, start: Policy, dataset: ArtifactRef, iteration: int) -> Maximized:
    """Algorithm 1 trains "while reward improves on D_val": all epochs are trained, the best on val is kept."""
    outcome = run.do(finetune, finetune_job(run, start, dataset, iteration))
    trained = policies(run.workspace, outcome.ref)
    told = run.workspace.store.manifest_of(outcome.ref).meta["epochs"]
    unchanged = [epoch.get("unchanged", False) or epoch["digest"] == start.digest for epoch in told]
    slots = [Slot.of(iteration, "val", f"epoch-{number}") for number in range(1, len(trained) + 1)]
    scores = evaluate_policies(run, list(map(Scoring, trained, slots)), run.problems.val, val=True)
    rewards = [score.sampled.value if score.sampled is not None else None for score in scores]
    best = best_epoch(rewards, unchanged)
    epochs = tuple(
        EpochScore(number, score.sampled, number == best + 1, epoch["train_loss"], policy.digest, same)
        for number, (score, epoch, policy, same) in enumerate(
            zip(scores, told, trained, unchanged, strict=True), start=1
        )
        if score.sampled is not None
    )
    if warning := unchanged_warning(iteration, epochs):
        log.warning("%s", warning)
    return Maximized(replace(trained[best], name=str(Slot.of(iteration))), epochs, outcome)


def finetune_job(run: Run, start: Policy, dataset: ArtifactRef, iteration: int) -> FinetuneJob:
    """Return the training job of one iteration."""
    slot = str(Slot.of(iteration, stage="finetune"))
    template = template_of(run.config.model)
    joining = Joining(template.complete, template.end)
    return FinetuneJob(run.workspace, slot, start, dataset, run.config.finetune, run.config.engine, joining)


def best_epoch(rewards: list[float | None], unchanged: Sequence[bool] = ()) -> int:
    """Return the position of the best val reward; among equals one that learned anything, then the earliest, trained least.

    An epoch without a value is never chosen. StageFailed when no epoch has one.
    """
    moved = [not same for same in unchanged] or [True] * len(rewards)
    known = [(reward, moved[number], -number) for number, reward in enumerate(rewards) if reward is not None]
    if not known:
        raise StageFailed(
            f"none of the {len(rewards)} epochs has a reward on the val problems, so none can be chosen; "
            "see the labels of the val samples"
        )
    return -max(known)[-1]
