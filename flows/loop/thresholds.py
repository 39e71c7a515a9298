"""Tells when a threshold does not do what ReST wants of it: lift the rewards of a data set above those of what was grown."""

from __future__ import annotations

from collections.abc import Sequence

from flows.run.run import Run
from tasks.domain.judged import known
from tasks.domain.schema import Verdict
from tasks.store.ranges import RangeSamples
from tasks.store.workspace import log


def mean_reward(run: Run, ranges: Sequence[RangeSamples]) -> float | None:
    """Return the mean reward of graded samples, those of faults of the verifier left out; None without any."""
    store = run.workspace.store
    verdicts = [row for one in ranges for _, graded in one.waves for row in store.rows(graded, Verdict)]
    rewards = [row.reward for row in verdicts if known(row) and row.reward is not None]
    return sum(rewards) / len(rewards) if rewards else None


def tell_low_threshold(run: Run, ranges: Sequence[RangeSamples], number: int) -> None:
    """Log that a round's threshold is not above the mean reward of the samples it filters (ReST, arXiv 2308.08998, section 3).

    A threshold of 0 keeps everything, as the first of the paper's own list does, and is not told of; nor is one that is relative
    to each problem, nor one on agreement, which is no reward of the grader.
    """
    settings = run.config.materialize
    if not settings.threshold or settings.threshold_by != "absolute" or settings.reward != "verdict":
        return
    mean = mean_reward(run, ranges)
    if mean is not None and settings.threshold <= mean:
        log.warning(
            "iteration %d: the threshold %g is not above %.3f, the mean reward of the samples it filters; ReST asks for more than "
            "the mean, so raise loop.thresholds or materialize.threshold",
            number, settings.threshold, mean,
        )  # fmt: skip
