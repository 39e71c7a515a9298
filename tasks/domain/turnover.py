"""What a policy solves that the base does not, what it no longer solves, and what it gains where format was not the problem.

Each of these picks problems by what the base did. Picking and comparing on the same draws would find a gain for a policy that is
no different (regression to the mean), so the base's draws are split in three: one third picks, one third is compared with, and
one third takes the policy's place, which shows what the figure is for no change at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.domain.run_result import CELLS, PolicyScore
from tasks.domain.statistics import Floats, Interval, bootstrap_mean, paired_difference

LEAST_DRAWS = 3
Outcomes = Mapping[str, str]


@dataclass(frozen=True)
class Turnover:
    """Shares of picked problems, by the policy and, beside it, by other draws of the base.

    `new` is of the problems that no picking draw of the base solved: solved in at least one draw. `lost` is of those that a
    picking draw solved: solved in none. Every side has as many draws as the others.
    """

    unsolved: int
    new: Interval
    new_base: Interval
    solved: int
    lost: Interval
    lost_base: Interval


@dataclass(frozen=True)
class BeyondFormat:
    """Sampled pass@1 minus the base on problems whose picking draws could all be read, and the same of the base itself."""

    problems: int
    of: int
    gain: Interval
    gain_base: Interval


def turnover(policy: PolicyScore, base: PolicyScore, bootstrap: int = 2000) -> Turnover | None:
    """Return what is newly solved and what is lost; None where the base has fewer than three draws or the problems differ."""
    thirds = _thirds(policy, base)
    if thirds is None:
        return None
    picking, compared, stand_in, own = thirds
    solved_P = _any(picking)
    return Turnover(
        int((~solved_P).sum()), _share(_any(own)[~solved_P], bootstrap), _share(_any(compared)[~solved_P], bootstrap),
        int(solved_P.sum()), _share(~_any(own)[solved_P], bootstrap), _share(~_any(stand_in)[solved_P], bootstrap),
    )  # fmt: skip


def beyond_format(
    policy: PolicyScore, base: PolicyScore, readable: Outcomes, bootstrap: int = 2000
) -> BeyondFormat | None:
    """Return the gain on problems where the base's output could be read; None where it cannot be told.

    `readable` has a character a base sample, in order of index: 1 where an answer could be read, else 0.
    """
    thirds = _thirds(policy, base)
    if thirds is None or set(readable) != set(base.sampled_outcomes):
        return None
    _, compared, stand_in, own = thirds
    picked_P = np.array([set(readable[name][0::3]) == {"1"} for name in sorted(readable)])
    before, again, after = (_mean(side)[picked_P] for side in (compared, stand_in, own))
    return BeyondFormat(
        int(picked_P.sum()), len(picked_P), paired_difference(after, before, bootstrap), paired_difference(again, before, bootstrap)
    )  # fmt: skip


def _thirds(policy: PolicyScore, base: PolicyScore) -> tuple[Floats, Floats, Floats, Floats] | None:
    """Return the base's draws 0, 3, ..., 1, 4, ... and 2, 5, ..., and as many of the policy's, each problems x draws."""
    names = sorted(base.sampled_outcomes)
    if not names or sorted(policy.sampled_outcomes) != names:
        return None
    draws = len(base.sampled_outcomes[names[0]]) // LEAST_DRAWS
    if not draws or len(policy.sampled_outcomes[names[0]]) < draws:
        return None
    sides = [_cells(base.sampled_outcomes, names, start, 3, draws) for start in range(3)]
    return sides[0], sides[1], sides[2], _cells(policy.sampled_outcomes, names, 0, 1, draws)


def _cells(outcomes: Outcomes, names: list[str], start: int, step: int, draws: int) -> Floats:
    return np.array([[CELLS[one] for one in outcomes[name][start::step][:draws]] for name in names], float)


def _any(cells_PN: Floats) -> np.ndarray:
    return np.asarray(np.nansum(cells_PN, axis=1) > 0)


def _mean(cells_PN: Floats) -> Floats:
    known = (~np.isnan(cells_PN)).sum(axis=1)
    return np.where(known > 0, np.nansum(cells_PN, axis=1) / np.maximum(known, 1), np.nan)


def _share(values_P: np.ndarray, bootstrap: int) -> Interval:
    return bootstrap_mean(values_P.astype(float), bootstrap)
