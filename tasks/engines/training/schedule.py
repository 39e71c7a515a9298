"""The learning rate of each optimizer step: it rises in the warm-up, whose last step has the peak, and then follows a schedule.

transformers' schedules begin the warm-up at 0, so the first step learns nothing, and a training of one step learns nothing at all.
Here no step of a training has rate 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class RateShare:
    """The share of the peak rate at a step, as `LambdaLR` asks for it: 0 is the first of `steps`, of which `warmup` rise."""

    schedule: str
    warmup: int
    steps: int

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}.get(self.schedule, 1.0)
