"""Attention over a batch whose rows share their prefixes, as an attention implementation of transformers.

Each segment's queries meet the keys of the segments before it and its own, so nothing is computed that a mask would throw away:
one dense mask over the sequence would cost its square. A sliding window counts in the rows' own positions.
On a GPU this runs as it is, one kernel a segment and layer; that is untried, and flex attention may be the better form there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from tasks.engines.training.prefix_layout import Segment

NAME = "restem_shared_prefix"


class Layout:
    """The segments of a batch, with the masks that its layers have in common."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        self.lengths = [segment.length for segment in segments]
        self._masks: dict[tuple[int, int, int | None, torch.device], torch.Tensor] = {}

    def mask(self, start: int, length: int, window: int | None, device: torch.device) -> torch.Tensor:
        """Return which of `start + length` keys each of the last `length` positions sees (length x keys, bool)."""
        wanted = (start, length, window, device)
        if wanted not in self._masks:
            behind = torch.arange(start, start + length, device=device)[:, None] - torch.arange(
                start + length, device=device
            )
            self._masks[wanted] = (behind >= 0) if window is None else (behind >= 0) & (behind < window)
        return self._masks[wanted]


def attend(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: Any, dropout: float = 0.0,
    scaling: float | None = None, sliding_window: int | None = None, softcap: float | None = None,
    prefix_layout: Layout | None = None, s_aux: Any = None, position_bias: Any = None, **kwargs: Any,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """Compute attention (1 x heads x positions x width, keys may have fewer heads) by the batch's layout.

    ValueError where the model has more to its attention than this knows, or does not hand the layout down.
    """
    if prefix_layout is None:
        raise ValueError("its attention is not told which rows share what")
    if s_aux is not None or position_bias is not None or attention_mask is not None:
        raise ValueError("its attention has sinks, a bias or a mask of its own")
    parts = [tensor.split(prefix_layout.lengths, dim=2) for tensor in (query, key, value)]
    joined: dict[tuple[int, ...], tuple[torch.Tensor, torch.Tensor]] = {}
    outputs = []
    for at, segment in enumerate(prefix_layout.segments):
        q, k, v = (part[at] for part in parts)
        start = 0
        if segment.after:
            if segment.after not in joined:
                joined[segment.after] = _join(parts[1], segment.after), _join(parts[2], segment.after)
            before_k, before_v = joined[segment.after]
            start = before_k.shape[2]
            k, v = torch.cat([before_k, k], dim=2), torch.cat([before_v, v], dim=2)
        plainly_causal = start == 0 and sliding_window is None and softcap is None
        mask = None if plainly_causal else prefix_layout.mask(start, segment.length, sliding_window, q.device)
        outputs.append(_attention(q, k, v, mask, dropout, scaling, softcap))
    return torch.cat(outputs, dim=2).transpose(1, 2).contiguous(), None


def _join(parts: Sequence[torch.Tensor], numbers: tuple[int, ...]) -> torch.Tensor:
    return parts[numbers[0]] if len(numbers) == 1 else torch.cat([parts[number] for number in numbers], dim=2)


def _attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, dropout: float,
    scaling: float | None, softcap: float | None,
) -> torch.Tensor:  # fmt: skip
    """Compute one segment; without a mask it is causal. A cap on the scores is applied as transformers' eager attention does."""
    grouped = key.shape[1] != query.shape[1]
    if softcap is None or mask is None:
        return scaled_dot_product_attention(
            query, key, value, mask, dropout, is_causal=mask is None, scale=scaling, enable_gqa=grouped
        )
    if grouped:
        key, value = (one.repeat_interleave(query.shape[1] // one.shape[1], dim=1) for one in (key, value))
    scores = query @ key.transpose(-1, -2) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    scores = (softcap * torch.tanh(scores / softcap)).masked_fill(~mask, -torch.inf)
    weights = torch.dropout(scores.softmax(-1, dtype=torch.float32).to(query.dtype), dropout, train=True)
    return weights @ value


AttentionInterface.register(NAME, attend)
