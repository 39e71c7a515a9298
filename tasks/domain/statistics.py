"""Estimates over problems x samples, each with its interval. Pure numpy, vectorised, seeded.

Names carry their axes: P problems, N samples of a problem, R bootstrap resamples. A cell of `correct_PN` is 1, 0, or
NaN where the grader failed (`verifier_error`): unknown is never counted as wrong, it is left out of the estimate and
shown as bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.domain.json_record import Real

Floats = NDArray[np.float64]
CELLS_AT_ONCE = 4_000_000  # resampled indices held in memory at once: 32 MB


@dataclass(frozen=True)
class Interval:
    """An interval is an estimate with its limits (95 % unless said otherwise). When nothing is known the value is NaN."""

    value: Real
    low: Real
    high: Real

    def __str__(self) -> str:
        if isnan(self.value):
            return "unknown"
        return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"


@dataclass(frozen=True)
class Bounded:
    """This record is one value a problem, and what it would be if every unknown sample were wrong or right."""

    value_P: Floats  # NaN: nothing known
    if_wrong_P: Floats
    if_right_P: Floats


@dataclass(frozen=True)
class HalfSplit:
    """This record holds difficulty bins of the base model, and the base samples that took no part in making them."""

    names: tuple[str, ...]
    bin_P: NDArray[np.int64]  # index into `names`; -1: no known sample in the binning half
    compared_PH: Floats


def wilson(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """Return the score interval of a proportion (Wilson, 1927): it keeps its coverage at 0 and n, where the normal one fails."""
    if n == 0:
        return Interval(nan, 0.0, 1.0)
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes among {n}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, shrink = successes / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z / shrink * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else float(centre - half)
    high = 1.0 if successes == n else float(centre + half)
    return Interval(share, low, high)


def pass_at_k(correct_PN: ArrayLike, k: int) -> Bounded:
    """Chance that at least one of k samples is correct, per problem: 1 - C(n-c, k) / C(n, k), unbiased (arXiv
    2107.03374).

    The estimate uses each problem's known samples; where fewer than k are known, all of them are the draw (a little too
    low, but the problem stays and the estimate within its bounds). Nothing known: NaN. ValueError unless 1 <= k <= N.
    """
    correct = _matrix(correct_PN, k)
    known = ~np.isnan(correct)
    hits, n = np.nansum(correct, axis=1), known.sum(axis=1)
    unknown, drawn = correct.shape[1] - n, np.full(len(correct), correct.shape[1])
    return Bounded(_any_of_k(hits, n, k), _any_of_k(hits, drawn, k), _any_of_k(hits + unknown, drawn, k))


def _any_of_k(hits_P: Floats, n_P: NDArray[np.int64], k: int) -> Floats:
    """1 - prod_j (n - c - j) / (n - j) for j < min(k, n): the binomials' ratio without their overflow; NaN at n = 0."""
    misses_P1, n_P1, step = (n_P - hits_P)[:, None], n_P[:, None], np.arange(k)
    factors_PK = np.where(step < n_P1, np.clip(misses_P1 - step, 0, None) / np.maximum(n_P1 - step, 1), 1.0)
    return np.where(n_P > 0, 1 - np.prod(factors_PK, axis=1), np.nan)


def sample_mean(correct_PN: ArrayLike) -> Bounded:
    """Return the share of correct samples per problem: pass@1 by sampling."""
    return pass_at_k(correct_PN, 1)


def bootstrap_mean(per_problem: ArrayLike, resamples: int = 2000, seed: int = 0, confidence: float = 0.95) -> Interval:
    """Return the mean over problems with the percentile bootstrap interval; problems are the unit, NaN ones are left out.

    Values lie in [0, 1]. When all are 0 (or all 1) resampling cannot see any spread, so Wilson's limit stands in.
    """
    values = _known(per_problem)
    if len(values) == 0:
        return Interval(nan, 0.0, 1.0)
    if np.all(values == values[0]) and values[0] in (0.0, 1.0):
        return wilson(values.sum(), len(values), confidence)
    return _percentile_interval(values, resamples, seed, confidence)


def paired_difference(
    a: ArrayLike, b: ArrayLike, resamples: int = 2000, seed: int = 0, confidence: float = 0.95
) -> Interval:
    """Return the mean of a - b over the same problems (same order) with its paired bootstrap interval.

    A problem that is NaN on either side is left out of both. When no problem differs at all, resampling shows no
    spread: the limits are then those of "0 of n problems differ" (Wilson) on either side.
    """
    left, right = np.asarray(a, float), np.asarray(b, float)
    if left.shape != right.shape:
        raise ValueError(f"paired values of {left.shape} and {right.shape} problems")
    differences = _known(left - right)
    if len(differences) == 0:
        return Interval(nan, -1.0, 1.0)
    if not differences.any():
        spread = wilson(0, len(differences), confidence).high
        return Interval(0.0, -spread, spread)
    return _percentile_interval(differences, resamples, seed, confidence)


def difficulty_bins(base_PN: ArrayLike, edges: tuple[float, ...] = (0.25, 0.5, 0.75)) -> HalfSplit:
    """Make bins by the base model's solve rate in its even-numbered samples; the odd-numbered ones are left for comparing.

    Binning and comparing on the same samples would show a gain in the hard bins and a loss in the easy ones for a
    policy that is no different (regression to the mean). Needs at least two samples a problem.
    """
    base = np.asarray(base_PN, float)
    if base.ndim != 2 or base.shape[1] < 2:
        raise ValueError(f"a half split needs problems x at least 2 samples, got shape {base.shape}")
    rate_P = sample_mean(base[:, 0::2]).value_P
    bin_P = np.where(np.isnan(rate_P), -1, np.digitize(rate_P, edges))
    limits = (0.0, *edges, 1.0)
    names = tuple(f"{100 * low:.0f}-{100 * high:.0f} %" for low, high in pairwise(limits))
    return HalfSplit(names, bin_P, base[:, 1::2])


def _percentile_interval(values_P: Floats, resamples: int, seed: int, confidence: float) -> Interval:
    rng, n = np.random.default_rng(seed), len(values_P)
    rows = max(1, CELLS_AT_ONCE // n)
    means = [
        values_P[rng.integers(0, n, size=(min(rows, resamples - start), n))].mean(axis=1)
        for start in range(0, resamples, rows)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - confidence) / 2, (1 + confidence) / 2])
    value = float(values_P.mean())
    # rounding in the mean of equal values may put it a hair outside
    return Interval(value, min(float(low), value), max(float(high), value))


def _matrix(correct_PN: ArrayLike, k: int) -> Floats:
    correct = np.asarray(correct_PN, float)
    if correct.ndim != 2 or not 1 <= k <= correct.shape[1]:
        raise ValueError(f"k = {k} does not fit problems x samples of shape {correct.shape}")
    return correct


def _known(values: ArrayLike) -> Floats:
    array = np.asarray(values, float).ravel()
    return array[~np.isnan(array)]
