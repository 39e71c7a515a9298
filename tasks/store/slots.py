"""Slots, the places in a run, as values; only this module makes, prints and parses them.

base                                                  the built-in base model
problems/train                                        a problem set
base/test/greedy/range-000/wave-0/generate            the base's evaluation
iteration-1/train/range-000/wave-0/verify             the E-step
iteration-1/hint/range-000/wave-0/generate            second tries with a hint
iteration-1/materialize, iteration-1/finetune         data set and training; of the base: on solutions by people alone
problems/train/range-000/human                        solutions by people, as samples
iteration-1/val/epoch-2/sampled/range-000/...         an epoch's score on val; `score` ends an evaluation
iteration-1/gate/new/sampled/range-000/...            what decides a night's promotion
iteration-1/transfer/set-svamp/sampled/range-000/...  the evaluation on a transfer set; problems/transfer/set-svamp is the set
evaluate/<policy digest>/greedy/range-000/...         an evaluation outside any run of the loop
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

TRANSFER = "transfer"
SETS = ("train", "hint", "val", "test", "gate", TRANSFER)
SAMPLINGS = ("greedy", "sampled")
STAGES = ("generate", "human", "verify", "materialize", "finetune", "score")
BASE, PROBLEMS, EVALUATE = "base", "problems", "evaluate"
NUMBERED = re.compile(r"(iteration|range|wave)-(\d+)")


def transfer_place(name: str) -> str:
    """Return what tells a transfer set apart in a slot, as its `which`."""
    return f"set-{name}"


@dataclass(frozen=True)
class Slot:
    """A place in a run; fields that a place does not have are empty.

    `part` is the base, an iteration, the problems, or an evaluation by itself; `which` tells apart what a set is used for
    (an epoch, the gate's two policies).
    """

    part: str
    set: str = ""
    which: str = ""
    sampling: str = ""
    range: int | None = None
    wave: int | None = None
    stage: str = ""

    @classmethod
    def of(cls, iteration: int, set: str = "", which: str = "", stage: str = "") -> Self:
        """Return a slot in an iteration; 0 is the base."""
        return cls(f"iteration-{iteration}" if iteration else BASE, set, which, stage=stage)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the slot that prints as `text`."""
        part, *rest = text.split("/")
        if part == EVALUATE and rest:
            part = f"{part}/{rest.pop(0)}"
        found = cls(part)
        for segment in rest:
            found = found._with(segment)
        return found

    def __str__(self) -> str:
        number = "" if self.range is None else f"range-{self.range:03d}"
        wave = "" if self.wave is None else f"wave-{self.wave}"
        segments = (self.part, self.set, self.which, self.sampling, number, wave, self.stage)
        return "/".join(segment for segment in segments if segment)

    @property
    def iteration(self) -> int | None:
        """Return the iteration: 0 for the base, None for a slot that belongs to no iteration."""
        numbered = NUMBERED.fullmatch(self.part)
        return int(numbered.group(2)) if numbered else 0 if self.part == BASE else None

    @property
    def is_evaluation(self) -> bool:
        """Return whether the slot belongs to scoring a policy, and not to making data or training."""
        return bool(self.sampling) or self.stage == "score"

    def at(self, *, range: int | None = None, wave: int | None = None, stage: str = "") -> Self:
        """Return a slot below this one: in a range, in a wave, at a stage."""
        return replace(
            self,
            range=self.range if range is None else range,
            wave=self.wave if wave is None else wave,
            stage=stage or self.stage,
        )

    def _with(self, segment: str) -> Self:
        if segment in SETS:
            return replace(self, set=segment)
        if segment in SAMPLINGS:
            return replace(self, sampling=segment)
        if segment in STAGES:
            return replace(self, stage=segment)
        numbered = NUMBERED.fullmatch(segment)
        if numbered and numbered.group(1) in ("range", "wave"):
            return replace(self, **{numbered.group(1): int(numbered.group(2))})  # type: ignore[arg-type]
        return replace(self, which=segment)
