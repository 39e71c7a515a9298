"""The gate of a night decides whether the trained policy is promoted or held back, or whether the series stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flows.loop.series import NightSettings
from tasks.domain.errors import UserError
from tasks.domain.run_result import PolicyScore
from tasks.domain.statistics import Interval, paired_difference

Decision = Literal["promote", "hold", "stop"]


@dataclass(frozen=True)
class GateDecision:
    """What the gate decides about a new policy. `gain` is the paired difference to the promoted policy on val."""

    decision: Decision
    gain: Interval

    @property
    def sentence(self) -> str:
        gain = self.gain
        return f"{100 * gain.value:+.1f} points on val [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"


def gate(new: PolicyScore, old: PolicyScore, settings: NightSettings, resamples: int = 2000) -> GateDecision:
    """Decide to promote, hold or stop by the paired bootstrap interval of sampled pass@1 on the same val problems.

    Both policies must have been scored on samples that took no part in choosing the epoch; otherwise the best of several
    epochs looks better than it is.
    """
    after, before = new.sampled_means(), old.sampled_means()
    if set(after) != set(before):
        raise UserError("the gate got two policies that were scored on different val problems; keep data.val as it was")
    names = sorted(after)
    gain = paired_difference([after[name] for name in names], [before[name] for name in names], resamples)
    if gain.low > settings.least_gain:
        return GateDecision("promote", gain)
    return GateDecision("stop" if gain.high < 0 and settings.stop_when_worse else "hold", gain)
