"""Arms of a comparison over seeds: what each came to and spent, and each minus the reference, over problems and over seeds.

Two kinds of spread are told apart. Over problems: another test set of the same kind; the seeds of an arm are averaged for each
problem, and the paired differences are resampled. Over seeds: another draw and another training; the mean difference of each seed
is one value, and Student's t with n-1 degrees of freedom says how far they may lie. p-values are those over seeds where there are
two or more, else those over problems, and are corrected for the number of arms (Benjamini-Hochberg).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tasks.domain.errors import UserError
from tasks.domain.inference import benjamini_hochberg, t_interval, t_test
from tasks.domain.run_result import IterationResult, PolicyScore, RunResult, correct_matrix, share_correct
from tasks.domain.statistics import Floats, Interval, bootstrap_mean, paired_difference, pass_at_k

E_STEP = "E-step"
ENDED = ("completed", "stopped")
Seeds = Mapping[int, RunResult]  # the runs of one arm by seed, finished or not


@dataclass(frozen=True)
class Spent:
    """What one run used up. `seconds` is the wall time of its phases when they really ran; `rows` are rows trained on."""

    samples: float = 0
    tokens: float = 0  # of completions drawn for training
    steps: float = 0
    seconds: float = 0
    rows: float = 0

    @property
    def tokens_per_row(self) -> float:
        """Return completion tokens drawn for each accepted row; NaN without a row."""
        return self.tokens / self.rows if self.rows else float("nan")


@dataclass(frozen=True)
class ArmFigures:
    """One arm at the last round of each seed: its metrics over seeds, and the mean of what a seed spent."""

    name: str
    seeds: tuple[int, ...]
    rounds: tuple[int, ...]
    metrics: Mapping[str, Interval]
    spent: Spent


@dataclass(frozen=True)
class Against:
    """One arm minus the reference in one metric. `adjusted` is the p-value corrected for all arms of the comparison."""

    arm: str
    metric: str
    seeds: tuple[int, ...]
    over_problems: Interval
    over_seeds: Interval
    p: float
    adjusted: float


@dataclass(frozen=True)
class ComparisonResult:
    """A comparison as far as it has come: the runs by arm and seed, and what was agreed before.

    `budget` and `notes` are sentences; `failures` gives the reason by arm and seed; `cells` is how many runs were planned.
    """

    name: str
    reference: str
    metric: str
    budget: str
    cells: int
    arms: Mapping[str, Seeds]
    methods: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[tuple[str, int], str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """Return how many runs have ended."""
        return sum(len(ended(runs)) for runs in self.arms.values())

    @property
    def status(self) -> str:
        if self.failures:
            return "failed"
        return "completed" if self.done == self.cells else "running"


def ended(runs: Seeds) -> dict[int, RunResult]:
    """Return the runs that have ended: an unfinished one's last round is another round than that of the other seeds."""
    return {seed: result for seed, result in runs.items() if result.status in ENDED}


def with_shared_seconds(arms: Mapping[str, Seeds]) -> dict[str, dict[int, RunResult]]:
    """Return the same runs, in which samples that several arms of a seed share cost each of them what the first one took.

    Only round 1 can share: later rounds sample policies of the arm's own. Equal counts of the same draw are the same samples.
    """
    took: dict[tuple[int, str], float] = {}
    for runs in arms.values():
        for seed, result in runs.items():
            for row in result.iterations[:1]:
                place = (seed, str(row.train))
                took[place] = max(took.get(place, 0.0), row.seconds.get(E_STEP, 0.0))
    return {
        name: {seed: _costing(result, took.get((seed, str(result.iterations[0].train)))) if result.iterations else result
               for seed, result in runs.items()}
        for name, runs in arms.items()
    }  # fmt: skip


def _costing(result: RunResult, e_step: float | None) -> RunResult:
    first, *rest = result.iterations
    if not e_step:
        return result
    return replace(result, iterations=(replace(first, seconds={**first.seconds, E_STEP: e_step}), *rest))


def spent(result: RunResult) -> Spent:
    """Add up what the iterations of a run used; a grown set that several rounds train on was drawn once, second tries count."""
    rows = result.iterations
    improve = result.config.get("loop", {}).get("improve", 1)
    drawn = [tally for row in rows if (row.number - 1) % improve == 0 for tally in (row.train, row.hinted)]
    return Spent(
        sum(tally.samples for tally in drawn),
        sum(tally.completion_tokens for tally in drawn),
        sum(row.steps for row in rows),
        sum(sum(row.seconds.values()) for row in rows),
        sum(row.kept_examples or 0 for row in rows),
    )


def last_row(result: RunResult) -> IterationResult | None:
    """Return the last evaluated iteration, the base if there is no other. Choosing the best by test would favour long runs."""
    return next((row for row in reversed(result.rows) if row.test is not None), None)


def metric_names(results: Sequence[RunResult]) -> tuple[str, ...]:
    """Return the metrics that every run has at its last row: greedy, sampled, pass@k and maj@k."""
    found = [list(values_by_metric(row.test)) for result in results if (row := last_row(result)) and row.test]
    return tuple(name for name in found[0] if all(name in names for names in found)) if found else ()


def values_by_metric(score: PolicyScore | None) -> dict[str, dict[str, float]]:
    """Return each metric's value by problem id; NaN where it is unknown."""
    if score is None:
        return {}
    found: dict[str, dict[str, float]] = {}
    if score.greedy_outcomes:
        found["greedy"] = {name: share_correct(text) for name, text in score.greedy_outcomes.items()}
    if score.sampled_outcomes:
        names, correct_PN = list(score.sampled_outcomes), correct_matrix(score.sampled_outcomes.values())
        found["sampled"] = dict(zip(names, pass_at_k(correct_PN, 1).value_P.tolist(), strict=True))
        for k in sorted(set(score.pass_at_k) - {1}):
            found[f"pass@{k}"] = dict(zip(names, pass_at_k(correct_PN, k).value_P.tolist(), strict=True))
        for k in sorted(set(score.maj_values) - {1}):
            found[f"maj@{k}"] = dict(zip(names, score.maj_values[k], strict=True))
    return found


def arm_figures(name: str, runs: Seeds) -> ArmFigures | None:
    """Return what an arm came to over the seeds that have ended with an evaluated iteration; None without any."""
    last = {seed: row for seed, result in ended(runs).items() if (row := last_row(result)) and row.number}
    if not last:
        return None
    metrics = metric_names([runs[seed] for seed in last])
    costs = [spent(runs[seed]) for seed in last]
    return ArmFigures(
        name,
        tuple(last),
        tuple(row.number for row in last.values()),
        {metric: _over_seeds([row.test for row in last.values()], metric) for metric in metrics},
        Spent(*(float(np.mean([getattr(one, field) for one in costs])) for field in Spent.__dataclass_fields__)),
    )


def by_round(runs: Seeds, metric: str) -> dict[int, Interval]:
    """Return the metric on test after each round, 0 being the base, over all seeds that have come so far."""
    scores: dict[int, list[PolicyScore | None]] = {}
    for result in runs.values():
        for row in result.rows:
            if metric in values_by_metric(row.test):
                scores.setdefault(row.number, []).append(row.test)
    return {number: _over_seeds(found, metric) for number, found in sorted(scores.items())}


def against(
    arms: Mapping[str, Seeds], reference: str, metric: str, bootstrap: int = 2000, seed: int = 0
) -> list[Against]:
    """Return every arm minus the reference at the last round, paired by seed and problem; arms without a common seed are left out.

    Raises UserError when two runs were scored on different problems.
    """
    found = [
        (name, *pairs)
        for name, runs in arms.items()
        if name != reference and (pairs := _paired_by_seed(runs, arms.get(reference, {}), metric, name))[0]
    ]
    lines = [
        Against(name, metric, seeds, paired_difference(_mean(after, 0), _mean(before, 0), bootstrap, seed),
                t_interval(_means(after - before)), _p_value(after - before), float("nan"))
        for name, seeds, after, before in found
    ]  # fmt: skip
    adjusted = benjamini_hochberg([line.p for line in lines])
    return [Against(**{**line.__dict__, "adjusted": p}) for line, p in zip(lines, adjusted, strict=True)]


def seed_spread(arms: Mapping[str, Seeds], reference: str, metric: str) -> float | None:
    """Return the pooled standard deviation over seeds of the arms' differences to the reference; None while it is unknown.

    Differences that are all alike do not make it 0: few problems make that happen.
    """
    spreads = [
        float(np.var(_means(after - before), ddof=1))
        for name, runs in arms.items()
        if name != reference
        for seeds, after, before in [_paired_by_seed(runs, arms.get(reference, {}), metric, name)]
        if len(seeds) > 1
    ]
    return float(np.sqrt(np.mean(spreads))) if any(spreads) else None


def _over_seeds(scores: Sequence[PolicyScore | None], metric: str) -> Interval:
    """Return the mean over seeds with Student's limits; of one seed, or of seeds that share one policy, the limits over problems."""
    values_SP = [list(values_by_metric(score)[metric].values()) for score in scores]
    if len({score.policy_digest for score in scores if score}) < 2:
        return bootstrap_mean(values_SP[0])
    return t_interval(_mean(np.array(values_SP, float), 1))


def _paired_by_seed(
    runs: Seeds, others: Seeds, metric: str, name: str
) -> tuple[tuple[int, ...], Floats, Floats]:  # fmt: skip
    """Return the seeds that have ended on both sides, and the values of each as seeds x problems in one order of problems."""
    there = ended(others)
    both = {
        seed: (_last_values(result, metric), _last_values(there[seed], metric))
        for seed, result in ended(runs).items()
        if seed in there
    }
    seeds = tuple(seed for seed, (after, before) in both.items() if after and before)
    rows = [both[seed] for seed in seeds]
    names = sorted(rows[0][0]) if rows else []
    for after, before in rows:
        if sorted(after) != names or sorted(before) != names:
            raise UserError(
                f"arm {name!r} and the arm that it is compared with were scored on different problems; evaluate all arms on the same"
            )
    after_SP, before_SP = ([[side[place][one] for one in names] for side in rows] for place in (0, 1))
    return seeds, np.array(after_SP, float), np.array(before_SP, float)


def _last_values(result: RunResult, metric: str) -> dict[str, float]:
    row = last_row(result)
    return values_by_metric(row.test).get(metric, {}) if row and row.number else {}


def _means(difference_SP: Floats) -> list[float]:
    return _mean(difference_SP, 1).tolist()


def _p_value(difference_SP: Floats) -> float:
    if len(difference_SP) > 1:
        return t_test(_means(difference_SP))
    return t_test(difference_SP[0])


def _mean(values_SP: Floats, axis: int) -> Floats:
    """Return the mean of the known values along an axis; NaN where none is known."""
    known = (~np.isnan(values_SP)).sum(axis=axis)
    total: Floats = np.nansum(values_SP, axis=axis) / np.maximum(known, 1)
    return np.where(known > 0, total, np.nan)
