"""Several rewards as one: all of them, or their weighted mean.

    [verify]
    reward = "all_of"                       # correct when every part is; its reward is the smallest
    parts = ["math", "rewards:is_short"]    # asked in this order, and only about what the parts before accepted

    [verify]
    reward = "weighted_sum"                 # reward = sum of weight x reward / sum of weights
    parts = ["math", "rewards:politeness"]
    weights = [0.8, 0.2]
    threshold = 0.7

Evidence is that of the parts, the first one's on top, and under `parts` what each said. A part that could not decide makes
the whole undecided (`verifier_error`), unless another part refused already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasks.domain.fingerprint import digest_of
from tasks.domain.rewards.base import (
    Check,
    ChecksGold,
    Decision,
    Executor,
    Grades,
    Opens,
    Reward,
    verdict_of,
    what_is_read,
)
from tasks.domain.schema import Problem, Verdict
from tasks.domain.settings import VerifySettings


@dataclass(frozen=True)
class _Asked:
    """A row: its problem, and the check of every part."""

    problem: Problem
    checks: Sequence[Check]


class CombinedReward:
    """`all_of` or `weighted_sum` of the parts; no weights are equal ones."""

    def __init__(self, name: str, parts: Mapping[str, Reward], weights: Sequence[float] = ()) -> None:
        self.name, self.parts = name, dict(parts)
        self.weights = tuple(weights) or (1.0,) * len(self.parts)
        self.version = "1:" + ",".join(f"{part.name}-{part.version}" for part in self.parts.values())

    @property
    def kind(self) -> Grades:
        """Problems with tests are refused where a part cannot use them."""
        kinds: set[Grades] = {part.kind for part in self.parts.values()}
        return "math" if "math" in kinds else "code" if "code" in kinds else "any"

    def prepare(self, problem: Problem, text: str) -> Check:
        return _joined(problem, [part.prepare(problem, text) for part in self.parts.values()])

    def prepare_gold(self, problem: Problem) -> Check:
        """Every part must accept the gold that it knows."""
        return _joined(problem, [gold_check(part, problem) for part in self.parts.values()])

    def executor(self, settings: VerifySettings) -> Executor:
        return CombinedExecutor(self, [part.executor(settings) for part in self.parts.values()])

    def judge(self, problem: Problem, result: Decision) -> Verdict:
        return verdict_of(problem, result)

    def gold_text(self, problem: Problem) -> str:
        return next((text for part in self.parts.values() if (text := part.gold_text(problem))), "")

    def reads(self, problem: Problem) -> Any:
        """Return what of a problem any part depends on."""
        return [what_is_read(part, problem) for part in self.parts.values()]

    def decided(self, verdicts: Sequence[Verdict], seconds: float) -> Decision:
        """Make one decision of what the parts said (of `all_of` perhaps only the first ones)."""
        said = {
            name: {"label": one.label, "reward": one.reward, "rule": one.evidence.get("rule")}
            for name, one in zip(self.parts, verdicts, strict=False)
        }
        evidence: dict[str, Any] = {}
        for one in reversed(verdicts):
            evidence |= one.evidence
        decide = self._all_of if self.name == "all_of" else self._weighted_sum
        return replace(decide(verdicts), evidence=evidence | {"rule": self.name, "parts": said}, seconds=seconds)

    def _all_of(self, verdicts: Sequence[Verdict]) -> Decision:
        refused = [one for one in verdicts if one.label not in ("correct", "verifier_error")]
        worst = next(iter(refused), None) or next((one for one in verdicts if one.label == "verifier_error"), None)
        if worst is None:
            return Decision("correct", reward=min(_reward(one) for one in verdicts))
        return Decision(worst.label, reward=None if worst.reward is None else min(_reward(one) for one in refused))

    def _weighted_sum(self, verdicts: Sequence[Verdict]) -> Decision:
        if any(one.reward is None for one in verdicts):
            return Decision("verifier_error")
        total = sum(weight * _reward(one) for weight, one in zip(self.weights, verdicts, strict=True))
        mean = total / sum(self.weights)
        refused = [one.label for one in verdicts if one.label != "correct"]
        return Decision("correct" if mean >= 1.0 or not refused else refused[0], reward=mean)


class CombinedExecutor:
    """Asks the executors of the parts one after the other."""

    def __init__(self, whole: CombinedReward, executors: Sequence[Executor]) -> None:
        self.whole, self.executors = whole, executors

    def open(self) -> None:
        """UserError when a part will not work."""
        for executor in self.executors:
            if isinstance(executor, Opens):
                executor.open()

    def close(self) -> None:
        for executor in self.executors:
            executor.close()

    def run_many(self, checks: Sequence[Check]) -> list[Decision]:
        said: list[list[Verdict]] = [[] for _ in checks]
        seconds = [0.0] * len(checks)
        for place, (part, executor) in enumerate(zip(self.whole.parts.values(), self.executors, strict=True)):
            asked = [row for row, verdicts in enumerate(said) if self._goes_on(verdicts)]
            decisions = executor.run_many([checks[row].payload.checks[place] for row in asked])
            for row, decision in zip(asked, decisions, strict=True):
                asked_of = checks[row].payload
                verdict = part.judge(asked_of.problem, decision)
                said[row].append(replace(verdict, evidence={**asked_of.checks[place].evidence, **verdict.evidence}))
                seconds[row] += decision.seconds
        return [self.whole.decided(verdicts, spent) for verdicts, spent in zip(said, seconds, strict=True)]

    def _goes_on(self, verdicts: Sequence[Verdict]) -> bool:
        return self.whole.name != "all_of" or all(_reward(one) > 0 for one in verdicts)


def gold_check(reward: Reward, problem: Problem) -> Check:
    """Return the check that a sound gold passes."""
    if isinstance(reward, ChecksGold):
        return reward.prepare_gold(problem)
    return reward.prepare(problem, reward.gold_text(problem))


def _joined(problem: Problem, checks: Sequence[Check]) -> Check:
    """One check of several; it is shared when each of them could be."""
    keys = [check.key or (check.decided and repr((check.decided, check.evidence))) for check in checks]
    key = None if None in keys else digest_of([problem.id, keys])
    return Check(_Asked(problem, checks), key)


def _reward(verdict: Verdict) -> float:
    """Unknown counts as accepted here: a later part may still refuse, and the label says that it is unknown."""
    return 1.0 if verdict.reward is None else verdict.reward
