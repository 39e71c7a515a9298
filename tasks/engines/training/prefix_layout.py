"""Lays the rows of a batch out as one sequence in which what they begin with stands once.

    few-shot text | question A | answer 1 | answer 2 | question B | answer 3 | ...

Plainly each of the three answers would stand behind its own copy of text and question. A segment sees the segments that it
continues, and of itself what came before. The last token of a prompt opens each branch instead of ending the prompt, because what it
predicts, an answer's first token, differs between branches; an answer's last token predicts nothing and is left out.
No heavy import.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

IGNORED = -100


class Segment(NamedTuple):
    """`length` positions that continue the segments numbered `after`, nearest last."""

    length: int
    after: tuple[int, ...]


@dataclass(frozen=True)
class Branch:
    """What a row needs to be laid out: its tokens, where its target starts, and its weight."""

    input_ids: tuple[int, ...]
    prompt_length: int
    weight: float = 1.0

    @property
    def prompt(self) -> tuple[int, ...]:
        return self.input_ids[: self.prompt_length]

    @classmethod
    def of_example(cls, example: dict[str, Any]) -> Branch:
        """Make one from a record of the trainer's data set, whose labels are ignored on the prompt."""
        labels = example["labels"]
        length = next(at for at, label in enumerate(labels) if label != IGNORED)
        return cls(tuple(example["input_ids"]), length, example.get("weight", 1.0))


@dataclass
class SharedRows:
    """All lists have one entry a position. `target_ids` is the token to predict there (IGNORED where none), `weights` its row's weight.

    `tokens` counts what the rows have when each is computed alone.
    """

    input_ids: list[int]
    position_ids: list[int]
    target_ids: list[int]
    weights: list[float]
    segments: list[Segment]
    tokens: int

    def add(self, ids: Sequence[int], after: tuple[int, ...]) -> tuple[int, ...]:
        """Append a segment without targets and return what its continuations come after; an empty one is left out."""
        return self._append(ids, [IGNORED] * len(ids), 0.0, after) if ids else after

    def add_branch(self, row: Branch, after: tuple[int, ...]) -> None:
        start = row.prompt_length - 1
        self._append(row.input_ids[start:-1], row.input_ids[start + 1 :], row.weight, after)
        self.tokens += len(row.input_ids)

    def _append(
        self, ids: Sequence[int], targets: Sequence[int], weight: float, after: tuple[int, ...]
    ) -> tuple[int, ...]:
        start = sum(self.segments[number].length for number in after)
        self.input_ids += ids
        self.position_ids += range(start, start + len(ids))
        self.target_ids += targets
        self.weights += [weight] * len(ids)
        self.segments.append(Segment(len(ids), after))
        return (*after, len(self.segments) - 1)


def lay_out(rows: Sequence[Branch]) -> SharedRows:
    """Return the batch: what all prompts begin with, then for each prompt the rest of it and its rows. A prompt has two tokens or more."""
    by_prompt: dict[tuple[int, ...], list[Branch]] = {}
    for row in rows:
        by_prompt.setdefault(row.prompt, []).append(row)
    text = _common_start([prompt[:-1] for prompt in by_prompt])
    shared = SharedRows([], [], [], [], [], 0)
    root = shared.add(text, ())
    for prompt, members in by_prompt.items():
        question = shared.add(prompt[len(text) : -1], root)
        for row in members:
            shared.add_branch(row, question)
    return shared


def _common_start(prompts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return what all begin with: what the first and the last in sorted order have in common."""
    first, last = min(prompts), max(prompts)
    apart = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:apart]
