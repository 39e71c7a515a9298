"""Which samples of one problem are acceptable as training rows, and with which reward.

Some rules look at one sample (its label, its length, its equations), others at all samples of its problem: agreement, a
percentile, groups that are all right. The order here is: reward, then rules of the group, then rules of the sample.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tasks.domain.equations import all_hold
from tasks.domain.schema import Sample, Verdict
from tasks.domain.settings import MaterializeSettings

HUMAN = -1  # the index of a solution written by a person
A_ROUND, HINTED = (
    1_000_000,
    500_000,
)  # indices in a data set: an earlier round's begin a million on, second tries half-way


@dataclass(frozen=True)
class Judged:
    """A sample with its verdict; `reward` is the one that selection reads (agreement, or shuffled for `permuted`)."""

    sample: Sample
    verdict: Verdict
    accepted: bool
    reward: float

    @property
    def human(self) -> bool:
        return self.sample.index == HUMAN


def judge_group(pairs: Sequence[tuple[Sample, Verdict]], settings: MaterializeSettings) -> list[Judged]:
    """Return the samples of one problem, accepted or not; solutions by people take no part in what a group decides."""
    group = [Judged(sample, verdict, False, verdict.reward or 0.0) for sample, verdict in pairs]
    if settings.reward == "agreement":
        group = _with_agreement(group)
    drawn = [one for one in group if not one.human and known(one.verdict)]
    dropped = settings.groups == "mixed" and len({one.verdict.label == "correct" for one in drawn}) < 2
    bar = _bar([one.reward for one in drawn], settings)
    return [replace(one, accepted=_acceptable(one, bar, settings, dropped=dropped)) for one in group]


def known(verdict: Verdict) -> bool:
    """Return whether the verdict says anything; a fault of the verifier does not."""
    return verdict.label != "verifier_error" and verdict.reward is not None


def finished(sample: Sample, settings: MaterializeSettings) -> bool:
    """Return whether the completion ended by itself, or may have been cut."""
    return sample.finish_reason == "stop" or (settings.accept_truncated and sample.finish_reason == "length")


def _acceptable(one: Judged, bar: float | None, settings: MaterializeSettings, *, dropped: bool) -> bool:
    if one.human and not settings.human_filter:
        return True
    if dropped or not known(one.verdict) or not finished(one.sample, settings):
        return False
    if bar is not None and one.reward < bar:
        return False
    return _right(one, settings) and _long_enough(one.sample.text, settings.min_lines)


def _right(one: Judged, settings: MaterializeSettings) -> bool:
    if settings.accept == "any":
        return True
    if settings.accept == "positive":
        return one.reward > 0
    return one.verdict.label == "correct" and (settings.equations == "ignore" or all_hold(one.sample.text))


def _long_enough(text: str, lines: int) -> bool:
    return not lines or sum(bool(line.strip()) for line in text.splitlines()) >= lines


def _bar(rewards: Sequence[float], settings: MaterializeSettings) -> float | None:
    """Return the reward from which on a sample of this problem is accepted; ReST's remedies keep hard prompts in the data."""
    if settings.threshold is None:
        return None
    if settings.threshold_by == "absolute" or not rewards:
        return settings.threshold
    if settings.threshold_by == "percentile":
        return float(np.quantile(rewards, settings.threshold))
    return settings.threshold * max(rewards) + (1 - settings.threshold) * sum(rewards) / len(rewards)


def _with_agreement(group: Sequence[Judged]) -> list[Judged]:
    """Reward each sample by the share of the problem's drawn samples that gave its answer; a sample without one gets 0."""
    answers = [_answer(one.verdict) for one in group if not one.human and known(one.verdict)]
    votes = Counter(answer for answer in answers if answer is not None)
    return [replace(one, reward=votes[_answer(one.verdict) or ""] / max(1, len(answers))) for one in group]


def _answer(verdict: Verdict) -> str | None:
    """Return the answer that the grader read, without white space."""
    found = verdict.evidence.get("answer")
    return None if found is None or verdict.label == "unparseable" else re.sub(r"\s", "", str(found)) or None
