"""Intervals over seeds, corrections for many arms and designs, each against 10,000 simulated experiments."""

from __future__ import annotations

from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from scipy import stats

from tasks.domain.inference import benjamini_hochberg, detectable, t_interval, t_test
from tasks.domain.statistics import paired_difference

EXPERIMENTS = 10_000
SLACK = 4 * sqrt(0.05 * 0.95 / EXPERIMENTS)  # four standard errors of a share near 5 % over all experiments
TRUE_GAIN = float(stats.beta(1.2, 1.2).expect(lambda ease: ease**0.8 - ease))  # of the policies below


def test_the_paired_bootstrap_over_problems_covers_the_true_difference():
    """Problems of their own difficulty, one greedy answer of either policy each; the truth is over all problems."""
    rng, problems = np.random.default_rng(0), 150
    covered = 0
    for experiment in range(EXPERIMENTS):
        ease = rng.beta(1.2, 1.2, problems)
        before, after = rng.random(problems) < ease, rng.random(problems) < ease**0.8
        interval = paired_difference(after, before, resamples=400, seed=experiment)
        covered += interval.low <= TRUE_GAIN <= interval.high
    assert 0.93 <= covered / EXPERIMENTS <= 0.97


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_t_interval_over_seeds_covers_under_normal_seed_effects(seeds):
    """Seed effects are normal with a standard deviation of 2 points around a true gain of 3 points."""
    gains = np.random.default_rng(seeds).normal(0.03, 0.02, (EXPERIMENTS, seeds))
    intervals = [t_interval(row) for row in gains]
    covered = np.mean([one.low <= 0.03 <= one.high for one in intervals])
    assert covered == pytest.approx(0.95, abs=SLACK)


def test_the_t_interval_is_scipys():
    values = [0.41, 0.44, 0.39, 0.47]
    expected = stats.t.interval(0.9, 3, loc=np.mean(values), scale=stats.sem(values))
    got = t_interval(values, 0.9)
    assert (got.low, got.high) == pytest.approx(expected)


def test_one_seed_has_no_limits_and_none_has_no_value():
    one, none = t_interval([0.4, nan]), t_interval([])
    assert (one.value, isnan(one.low), isnan(one.high)) == (0.4, True, True)
    assert isnan(none.value)
    assert isnan(t_test([0.4]))


def test_the_t_test_is_scipys_and_says_what_equal_differences_say():
    values = [0.01, 0.03, -0.02, 0.05]
    assert t_test(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert t_test([0.0, 0.0]) == 1.0
    assert isnan(t_test([0.25, 0.25]))  # three seeds on eight problems come out alike by chance


def test_benjamini_hochberg_is_scipys_and_leaves_out_what_was_not_tested():
    p_values = [0.001, 0.2, 0.02, 0.04, 0.9]
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values))
    with_gap = benjamini_hochberg([0.001, nan, 0.2])
    assert isnan(with_gap[1])
    assert (with_gap[0], with_gap[2]) == pytest.approx((0.002, 0.2))
    assert benjamini_hochberg([]) == ()


@pytest.mark.parametrize("common", [0.0, 0.7], ids=["independent", "one reference for all arms"])
def test_benjamini_hochberg_controls_the_false_discovery_rate(common):
    """Ten arms, four with a real gain; with `common` they share the noise of the reference."""
    rng, arms, real = np.random.default_rng(1), 10, 4
    noise = sqrt(common) * rng.normal(size=(EXPERIMENTS, 1)) + sqrt(1 - common) * rng.normal(size=(EXPERIMENTS, arms))
    z = noise + np.where(np.arange(arms) < real, 3.0, 0.0)
    found = np.array([benjamini_hochberg(row) for row in 2 * stats.norm.sf(np.abs(z))]) <= 0.05
    false_share = found[:, real:].sum(axis=1) / np.maximum(found.sum(axis=1), 1)
    assert false_share.mean() <= 0.05 * (arms - real) / arms + SLACK
    assert found[:, :real].mean() > 0.5  # it still finds what is there


@pytest.mark.parametrize("units", [3, 5, 200])
def test_a_difference_that_is_just_detectable_is_found_in_four_of_five_experiments(units):
    design = detectable(0.02, units)
    values = np.random.default_rng(units).normal(design.difference, design.spread, (EXPERIMENTS, units))
    found = np.mean(stats.ttest_1samp(values, 0, axis=1).pvalue < design.alpha)
    assert found == pytest.approx(design.power, abs=4 * sqrt(0.16 / EXPERIMENTS))


def test_one_seed_detects_nothing_and_a_stricter_level_needs_a_larger_difference():
    assert detectable(0.02, 1).difference == inf
    assert detectable(0.02, 3, alpha=0.005).difference > detectable(0.02, 3).difference > detectable(0.02, 9).difference
