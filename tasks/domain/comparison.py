"""Compares two policies on the same problems, paired: the difference, and at which difficulty it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from tasks.domain.errors import UserError
from tasks.domain.run_result import Difference, PolicyScore, correct_matrix
from tasks.domain.statistics import (
    Floats,
    Interval,
    bootstrap_mean,
    difficulty_bins,
    paired_difference,
    pass_at_k,
)


@dataclass(frozen=True)
class DifficultyBin:
    """This bin compares a policy with the base on problems of like difficulty, judged by other base samples than those compared."""

    name: str
    problems: int
    base: Interval
    policy: Interval
    difference: Interval


def compare(
    policy: PolicyScore, base: PolicyScore, number: int, bootstrap: int = 2000, seed: int = 0
) -> list[Difference]:
    """Return policy minus base on the same problems, paired: greedy, sampled, and each k at which both were scored.

    Raises UserError when the two were scored on different problems.
    """
    pairs: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    if policy.greedy_outcomes and base.greedy_outcomes:
        pairs["greedy"] = _paired(policy.greedy_outcomes, base.greedy_outcomes, 1)
    if policy.sampled_outcomes and base.sampled_outcomes:
        pairs["sampled"] = _paired(policy.sampled_outcomes, base.sampled_outcomes, 1)
        for k in sorted(set(policy.pass_at_k) & set(base.pass_at_k) - {1}):
            pairs[f"pass@{k}"] = _paired(policy.sampled_outcomes, base.sampled_outcomes, k)
        for k in sorted(set(policy.maj_values) & set(base.maj_values) - {1}):
            after, before = _votes(policy, k), _votes(base, k)
            pairs[f"maj@{k}"] = [after[name] for name in before], list(before.values())
    return [Difference(number, name, paired_difference(a, b, bootstrap, seed)) for name, (a, b) in pairs.items()]


def by_difficulty(policy: PolicyScore, base: PolicyScore, bootstrap: int = 2000, seed: int = 0) -> list[DifficultyBin]:
    """Sampled pass@1 in bins of the base's solve rate; empty when either has fewer than two samples a problem."""
    if not base.sampled_outcomes or not policy.sampled_outcomes:
        return []
    base_PN, policy_PN = _matrices(base.sampled_outcomes, policy.sampled_outcomes)
    if base_PN.shape[1] < 2:
        return []
    split = difficulty_bins(base_PN)
    before, after = pass_at_k(split.compared_PH, 1).value_P, pass_at_k(policy_PN, 1).value_P
    bins = [(name, split.bin_P == i) for i, name in enumerate(split.names)]
    return [
        DifficultyBin(
            name,
            int(here.sum()),
            bootstrap_mean(before[here], bootstrap, seed),
            bootstrap_mean(after[here], bootstrap, seed),
            paired_difference(after[here], before[here], bootstrap, seed),
        )
        for name, here in bins
        if here.any()
    ]


def _matrices(left: Mapping[str, str], right: Mapping[str, str]) -> tuple[Floats, Floats]:
    """Both as problems x samples in the same order of problems."""
    if set(left) != set(right):
        only = sorted(set(left) ^ set(right))
        raise UserError(
            f"two policies were scored on different problems ({len(only)} differ, {', '.join(only[:3])}); "
            "score both on the same set to compare them"
        )
    names = sorted(left)
    return correct_matrix(left[name] for name in names), correct_matrix(right[name] for name in names)


def _votes(score: PolicyScore, k: int) -> dict[str, float]:
    """maj@k by problem id."""
    return dict(zip(score.sampled_outcomes, score.maj_values[k], strict=True))


def _paired(left: Mapping[str, str], right: Mapping[str, str], k: int) -> tuple[Floats, Floats]:
    a, b = _matrices(left, right)
    return pass_at_k(a, k).value_P, pass_at_k(b, k).value_P
