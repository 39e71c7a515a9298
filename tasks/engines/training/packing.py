"""Checks on the model itself, before it trains, whether rows packed into one sequence stay apart.

Packing separates the rows by position ids that start anew. A model that takes positions from elsewhere (its own count into a
learned table, ALiBi over the whole sequence, a recurrent state) lets a row see the one before it, and trains on that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tasks.domain.errors import UserError, one_sentence
from tasks.engines.training.sft_rows import TokenRow

# Nats rms over the second row's tokens. Sums in another order change 1e-5 in float32; a row that is seen, whole nats.
LARGEST_DIFFERENCE = {torch.float32: 1e-3}
LARGEST_DIFFERENCE_16_BIT = 0.1


def require_rows_apart(model: Any, collate: Any, rows: Sequence[TokenRow]) -> None:
    """Raise UserError where the second row of a packed pair is not computed as it is alone.

    `collate` is the trainer's own collator, so that the pair is laid out as in training.
    """
    pair = sorted(rows, key=lambda row: len(row.input_ids))[:2]
    if len(pair) < 2:
        return
    was_training = model.training
    model.eval()
    try:
        alone, packed = _logprobs(model, collate, pair[1:]), _logprobs(model, collate, pair)
    except (TypeError, ValueError, RuntimeError) as error:  # the model takes no packed input at all
        raise UserError(
            f"this model cannot train on packed rows ({one_sentence(error)}); set finetune.packing = false"
        ) from error
    finally:
        model.train(was_training)
    packed = packed[-len(alone) :]
    difference = float((packed - alone).square().mean().sqrt())
    if not difference <= LARGEST_DIFFERENCE.get(next(model.parameters()).dtype, LARGEST_DIFFERENCE_16_BIT):
        raise UserError(
            f"packing mixes rows in this model: behind another row a row has loss {-float(packed.mean()):.3g}, alone "
            f"{-float(alone.mean()):.3g}; set finetune.packing = false"
        )


def _logprobs(model: Any, collate: Any, rows: Sequence[TokenRow]) -> torch.Tensor:
    """Return the log-probability of each token but the first of the last row, with the rows packed into one sequence."""
    ids = [token for row in rows for token in row.input_ids]
    example = {"input_ids": ids, "labels": ids, "seq_lengths": [len(row.input_ids) for row in rows]}
    device = next(model.parameters()).device
    inputs = {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in collate([example]).items()
    }
    del inputs["labels"]
    with torch.no_grad():
        logits = model(**inputs, use_cache=False).logits[0, :-1].float()
    picked = logits.log_softmax(-1).gather(1, inputs["input_ids"][0, 1:, None])[:, 0]
    return picked[-(len(rows[-1].input_ids) - 1) :]
