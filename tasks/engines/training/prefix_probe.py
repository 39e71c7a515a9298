"""Tries on the model itself, before it trains, whether sharing prefixes computes what plain rows do: their loss and its gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from tasks.domain.errors import one_sentence
from tasks.engines.training.prefix_attention import NAME
from tasks.engines.training.sft_rows import TokenRow

# Relative; sums in another order gave 1.5e-6 in float32, dropout or rows that see each other 1e-2 and more.
LARGEST_DIFFERENCE = {torch.float32: 1e-4}
LARGEST_DIFFERENCE_16_BIT = 0.1
SHORTEST_PROMPT = 2


def against_sharing(trainer: Any, plain_collator: Any, shared_collator: Any, rows: Sequence[TokenRow]) -> str:
    """Return why this model or these rows cannot be trained with shared prefixes; empty where they can.

    Then the model's attention is the one that shares, otherwise it is what it was. Gradients, random numbers and counters
    are left as they were found.
    """
    if min(row.prompt_length for row in rows) < SHORTEST_PROMPT:
        return "a prompt has fewer than two tokens, so there is nothing to share"
    examples = [_example(row) for row in specimens(rows)]
    model = trainer.causal_model()
    plainly = model.config._attn_implementation
    with _undisturbed(trainer):
        wanted = _gradients(trainer, plain_collator(examples))
        try:
            model.set_attn_implementation(NAME)
            found = _gradients(trainer, shared_collator(examples))
            reason = _difference(wanted, found)
        except (TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError) as error:
            reason = one_sentence(error)  # the model's code takes no such batch
    if reason:
        model.set_attn_implementation(plainly)
    return reason


def specimens(rows: Sequence[TokenRow]) -> list[TokenRow]:
    """Return two rows of one prompt, where there are any, and the longest of the others, which a sliding window would show in."""
    by_prompt: dict[tuple[int, ...], list[TokenRow]] = {}
    for row in rows:
        by_prompt.setdefault(row.input_ids[: row.prompt_length], []).append(row)
    most = max(by_prompt.values(), key=len)
    pair = sorted(most, key=lambda row: len(row.input_ids))[:2]
    others = [row for row in rows if row not in pair]
    return [*pair, *([max(others, key=lambda row: len(row.input_ids))] if others else [])]


def _example(row: TokenRow) -> dict[str, Any]:
    return {"input_ids": list(row.input_ids), "labels": row.labels}


@contextmanager
def _undisturbed(trainer: Any) -> Iterator[None]:
    was_training = trainer.model.training
    trainer.model.train()  # so that dropout shows
    try:
        with torch.random.fork_rng():
            yield
    finally:
        trainer.model.train(was_training)
        trainer.model.zero_grad(set_to_none=True)
        trainer._metrics["train"].clear()
        trainer._total_train_tokens = 0


def _gradients(trainer: Any, batch: dict[str, Any]) -> tuple[float, dict[str, torch.Tensor]]:
    """Return the trainer's own loss of a batch and its gradients; both passes start from the same random numbers."""
    torch.manual_seed(0)
    trainer.model.zero_grad(set_to_none=True)
    loss = trainer.compute_loss(trainer.model, trainer._prepare_inputs(batch))
    loss.backward()
    named = trainer.model.named_parameters()
    return float(loss.detach()), {name: one.grad for name, one in named if one.grad is not None}


def _difference(wanted: tuple[float, dict[str, torch.Tensor]], found: tuple[float, dict[str, torch.Tensor]]) -> str:
    (loss, plain), (shared_loss, shared) = wanted, found
    if plain.keys() != shared.keys():
        return "other weights get a gradient than with plain rows"
    limit = min(LARGEST_DIFFERENCE.get(one.dtype, LARGEST_DIFFERENCE_16_BIT) for one in plain.values())
    length = sum(float(one.float().square().sum()) for one in plain.values()) ** 0.5
    apart = sum(float((plain[name].float() - shared[name].float()).square().sum()) for name in plain) ** 0.5
    if abs(shared_loss - loss) <= limit * abs(loss) and apart <= limit * length:
        return ""
    return f"the loss is {shared_loss:.5g} where plain rows give {loss:.5g}, and the gradient differs by {apart / length:.1e}"
