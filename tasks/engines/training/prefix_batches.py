"""Which rows share a batch, and the batch as tensors, for training that computes shared prefixes once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler

from tasks.engines.training.prefix_attention import Layout
from tasks.engines.training.prefix_layout import Branch, lay_out


class ByProblem(Sampler[int]):
    """A new random order each epoch in which the rows with one prompt follow one another.

    Prompts are shuffled and so are the rows of each, which meets other prompts in its batch from epoch to epoch. A prompt
    whose rows do not fit the batch goes on in the next. The order follows from (seed, epoch) alone.
    """

    def __init__(self, prompts: Sequence[tuple[int, ...]], seed: int) -> None:
        self.seed, self.epoch, self.count = seed, 0, len(prompts)
        by_prompt: dict[tuple[int, ...], list[int]] = {}
        for at, prompt in enumerate(prompts):
            by_prompt.setdefault(prompt, []).append(at)
        self.members = [torch.tensor(rows) for rows in by_prompt.values()]

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        for number in torch.randperm(len(self.members), generator=generator).tolist():
            rows = self.members[number]
            yield from rows[torch.randperm(len(rows), generator=generator)].tolist()


def shared_prefix_collator(examples: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a batch of one sequence. `labels` are the tokens to predict at each position, not shifted by one as TRL's are.

    `weight` has one entry a position, `row_tokens` is what the rows have when each stands alone.
    """
    rows = [Branch.of_example(example) for example in examples]
    shared = lay_out(rows)
    batch = {
        "input_ids": torch.tensor([shared.input_ids]), "position_ids": torch.tensor([shared.position_ids]),
        "labels": torch.tensor([shared.target_ids]), "prefix_layout": Layout(shared.segments), "row_tokens": shared.tokens,
    }  # fmt: skip
    if "weight" in examples[0]:
        batch["weight"] = torch.tensor([shared.weights])
    return batch
