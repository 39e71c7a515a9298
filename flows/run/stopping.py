"""When the loop ends before its last iteration. A run and a plan ask the same rule; test is never looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.run.rows import Maximized
from tasks.domain.schema import Example
from tasks.domain.settings import LoopSettings
from tasks.store.artifacts import Store
from tasks.store.workspace import Outcome


@dataclass(frozen=True)
class Progress:
    """What one iteration came to: the chosen epoch's reward on val, tokens drawn for training, and optimizer steps.

    `diversity` is the share of the accepted solutions that are distinct; those above the cap are not looked at.
    """

    val_reward: float
    tokens: int
    steps: int
    diversity: float


def progress_of(store: Store, dataset: Outcome, maximized: Maximized) -> Progress:
    """Return the progress of one trained iteration, from its artifacts."""
    meta = store.manifest_of(dataset.ref).meta
    texts = {(row.problem_id, row.completion) for row in store.rows(dataset.ref, Example)}
    accepted = meta["selection"]["kept"] + meta["selection"]["duplicates"]
    return Progress(
        maximized.chosen.val_reward.value, meta["train"]["tally"]["completion_tokens"],
        steps_of(store, maximized.outcome), len(texts) / max(accepted, 1),
    )  # fmt: skip


def steps_of(store: Store, training: Outcome) -> int:
    """Return the optimizer steps of a training, all epochs together."""
    return max((epoch.get("steps", 0) for epoch in store.manifest_of(training.ref).meta["epochs"]), default=0)


def stop_reason(done: Sequence[Progress], settings: LoopSettings) -> str | None:
    """Return why the loop ends after these iterations, or None to go on."""
    if not done:
        return None
    tokens, steps = sum(one.tokens for one in done), sum(one.steps for one in done)
    if settings.most_tokens is not None and tokens >= settings.most_tokens:
        return f"{tokens:,} completion tokens were drawn for training; loop.most_tokens is {settings.most_tokens:,}"
    if settings.most_steps is not None and steps >= settings.most_steps:
        return f"{steps:,} optimizer steps were made; loop.most_steps is {settings.most_steps:,}"
    if stops([one.val_reward for one in done], settings.patience):
        return f"val reward has not improved for {settings.patience} iterations (loop.patience)"
    best, last = max(one.val_reward for one in done), done[-1]
    if settings.most_fall is not None and best - last.val_reward > settings.most_fall:
        return f"val reward fell from {best:.3f} to {last.val_reward:.3f}; loop.most_fall is {settings.most_fall:g}"
    if settings.least_diversity is not None and last.diversity < settings.least_diversity:
        return (
            f"{last.diversity:.0%} of the accepted solutions are distinct; loop.least_diversity is "
            f"{settings.least_diversity:.0%}"
        )
    return None


def stops(rewards: Sequence[float], patience: int) -> bool:
    """Return whether the best of `rewards` is at least `patience` iterations old; 0 never stops."""
    return bool(patience and rewards) and len(rewards) - 1 - rewards.index(max(rewards)) >= patience
