"""Attention over a batch whose rows share their prefixes, as an attention implementation of transformers.

On the CPU each segment's queries meet the keys of the segments before it and its own, so nothing is computed that a mask would throw
away. On a GPU a kernel a segment and layer would cost more in launches than it saves: there one mask over the whole sequence says
who sees whom, and one kernel a layer computes it. A sliding window counts in the rows' own positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from tasks.engines.training.prefix_layout import Segment

NAME = "restem_shared_prefix"
MOST_POSITIONS = 32_768  # of one mask: 2 GiB in 16 bits; a longer sequence is computed by segments on a GPU too
MASK_ALIGNMENT = 16  # values; torch's memory-efficient kernel copies a mask whose rows do not begin at multiples of it


class Layout:
    """The segments of a batch, with the masks that its layers have in common."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        self.lengths = [segment.length for segment in segments]
        self._masks: dict[tuple[int, int, int | None, torch.device], torch.Tensor] = {}
        self._biases: dict[tuple[int | None, torch.dtype, torch.device], torch.Tensor] = {}

    def mask(self, start: int, length: int, window: int | None, device: torch.device) -> torch.Tensor:
        """Return which of `start + length` keys each of the last `length` positions sees (length x keys, bool)."""
        wanted = (start, length, window, device)
        if wanted not in self._masks:
            behind = torch.arange(start, start + length, device=device)[:, None] - torch.arange(
                start + length, device=device
            )
            self._masks[wanted] = (behind >= 0) if window is None else (behind >= 0) & (behind < window)
        return self._masks[wanted]

    def bias(self, window: int | None, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """Return 0 where a position sees another and -inf elsewhere (positions x positions), for all segments at once."""
        wanted = (window, dtype, device)
        if wanted not in self._biases:
            self._biases[wanted] = self._bias(window, dtype, device)
        return self._biases[wanted]

    def _bias(self, window: int | None, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        places = torch.arange(sum(self.lengths), device=device).split(self.lengths)
        width = -(-sum(self.lengths) // MASK_ALIGNMENT) * MASK_ALIGNMENT
        whole = torch.full((sum(self.lengths), width), -torch.inf, dtype=dtype, device=device)
        for own, segment in zip(places, self.segments, strict=True):
            seen = torch.cat([*(places[number] for number in segment.after), own])
            mask = self.mask(len(seen) - len(own), segment.length, window, device)
            whole[own[:, None], seen] = torch.zeros_like(mask, dtype=dtype).masked_fill(~mask, -torch.inf)
        return whole[:, : sum(self.lengths)]


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
    if softcap is None and _at_once(query):
        return _attend_at_once(query, key, value, prefix_layout, dropout, scaling, sliding_window), None
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


def _at_once(query: torch.Tensor) -> bool:
    """Return whether one kernel over the whole sequence is the faster way."""
    return query.is_cuda and query.shape[2] <= MOST_POSITIONS


def _attend_at_once(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout, dropout: float, scaling: float | None,
    window: int | None,
) -> torch.Tensor:  # fmt: skip
    """Compute all segments by one kernel. Keys are repeated for grouped heads, since no fused kernel takes a mask and groups both."""
    kind = query.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else query.dtype
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = (one.repeat_interleave(groups, dim=1) for one in (key, value))
    bias = layout.bias(window, dtype, query.device)
    return (
        scaled_dot_product_attention(query.to(dtype), key.to(dtype), value.to(dtype), bias, dropout, scale=scaling)
        .transpose(1, 2)
        .contiguous()
    )


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
