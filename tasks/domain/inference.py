"""Says what a handful of seeds, and a handful of arms, can show: t intervals, their p-values, many comparisons, and design.

A seed is one whole run; runs of one method differ by their draws and by the order of training, and a bootstrap over problems
cannot see that. Seeds are few, so the normal quantile would promise too much: 1.96 where three seeds need 4.30. SciPy is
imported where it is used, because everything that reads a result imports this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from tasks.domain.statistics import Floats, Interval

POWER = 0.8  # the usual chance to find an effect that is there


@dataclass(frozen=True)
class Detectable:
    """The smallest true difference that a design finds with probability `power`; `units` are seeds or problems."""

    difference: float
    units: int
    spread: float  # standard deviation of the paired difference between two units
    alpha: float
    power: float


def t_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Return the mean of independent values with the limits of Student's t at n-1 degrees of freedom; NaN values are left out.

    It assumes that the values are normal. One value has no spread to see: its limits are NaN. None at all: all is NaN.
    """
    from scipy.special import stdtrit

    known = _known(values)
    if len(known) < 2:
        return Interval(float(known[0]) if len(known) else nan, nan, nan)
    half = float(stdtrit(len(known) - 1, (1 + confidence) / 2)) * _standard_error(known)
    centre = float(known.mean())
    return Interval(centre, centre - half, centre + half)


def t_test(values: ArrayLike) -> float:
    """Return the two-sided p-value of "the mean is 0" (one-sample t test); NaN below two values.

    Values that are all the same leave no spread to judge by: p is 1 when they are 0, else NaN. Few test problems make that happen.
    """
    from scipy.special import stdtr

    known = _known(values)
    if len(known) < 2:
        return nan
    error = _standard_error(known)
    if error == 0:
        return 1.0 if known[0] == 0 else nan
    return float(2 * stdtr(len(known) - 1, -abs(known.mean() / error)))


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the p-values adjusted so that those at most q are found at a false discovery rate of q (Benjamini, Hochberg 1995).

    NaN is no test: it stays NaN and does not count. Valid for independent and for positively dependent tests; arms that are
    all compared with one reference are of the second kind.
    """
    tested = sorted((p, place) for place, p in enumerate(p_values) if not isnan(p))
    adjusted, least = [nan] * len(p_values), 1.0
    for rank in range(len(tested), 0, -1):
        p, place = tested[rank - 1]
        least = min(least, p * len(tested) / rank)
        adjusted[place] = least
    return tuple(adjusted)


def detectable(spread: float, units: int, alpha: float = 0.05, power: float = POWER) -> Detectable:
    """Return the smallest mean difference that a two-sided paired t test over `units` finds with probability `power`.

    `spread` is the standard deviation of one unit's difference. Exact by the noncentral t distribution, but for the chance of a
    significant result on the wrong side, which is below 1e-4 at these powers. One unit finds nothing: infinite.
    """
    from scipy.special import nctdtrinc, stdtrit

    if units < 2:
        return Detectable(inf, units, spread, alpha, power)
    critical = float(stdtrit(units - 1, 1 - alpha / 2))
    shift = float(nctdtrinc(units - 1, 1 - power, critical))
    return Detectable(shift * spread / sqrt(units), units, spread, alpha, power)


def _standard_error(values: Floats) -> float:
    return float(values.std(ddof=1)) / sqrt(len(values))


def _known(values: ArrayLike) -> Floats:
    array = np.asarray(values, float).ravel()
    return array[~np.isnan(array)]
