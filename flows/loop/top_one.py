"""Tells of the problems whose best reward is 0, where the best samples by reward are what is kept (RAFT)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from flows.run.run import Run
from tasks.domain.judged import known
from tasks.domain.schema import Verdict
from tasks.store.ranges import RangeSamples
from tasks.store.workspace import log


def tell_unrewarded(run: Run, ranges: Sequence[RangeSamples], number: int) -> None:
    """Log how many problems have no sample with a reward above 0, and what becomes of them.

    Their best is no better than their worst: RAFT drops them (arXiv 2304.06767 has no rewards of 0), and `accept = "any"` keeps
    one whatever it is. A reward by agreement is above 0 wherever there is an answer, and is not told of.
    """
    settings = run.config.materialize
    if settings.choose != "reward" or settings.reward != "verdict":
        return
    best = best_rewards(run, ranges)
    lost = sum(reward == 0 for reward in best.values())
    if lost:
        kept = "gives a row all the same, chosen by seed" if settings.accept == "any" else "gives no row"
        log.warning(
            "iteration %d: of %d of %d problems no sample has a reward above 0, so its best is no better than its worst and it %s",
            number, lost, len(best), kept,
        )  # fmt: skip


def best_rewards(run: Run, ranges: Sequence[RangeSamples]) -> dict[str, float]:
    """Return the best reward of each problem, faults of the verifier left out."""
    best: dict[str, float] = defaultdict(float)
    for one in ranges:
        for row in (row for _, graded in one.waves for row in run.workspace.store.rows(graded, Verdict) if known(row)):
            best[row.problem_id] = max(best[row.problem_id], row.reward or 0.0)
    return dict(best)
