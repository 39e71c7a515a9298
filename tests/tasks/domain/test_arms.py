"""Arms over seeds: pairing, the two kinds of spread, what was spent, and corrections for many arms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.domain.arms import against, arm_figures, by_round, last_row, seed_spread, spent
from tasks.domain.errors import UserError
from tasks.domain.inference import benjamini_hochberg, t_interval
from tasks.domain.run_result import RunResult
from tests.made_up_run import made_up_run


def runs(*skills: float) -> dict[int, RunResult]:
    """A run a seed, each from the same base to its own skill."""
    return {seed: made_up_run((0.45, skill)) for seed, skill in enumerate(skills, start=1)}


ARMS = {"reference": runs(0.6, 0.62, 0.61), "better": runs(0.9, 0.93, 0.88), "same": runs(0.6, 0.62, 0.61)}


def test_an_arm_minus_the_reference_is_paired_by_seed_and_problem():
    better, same = against(ARMS, "reference", "sampled", bootstrap=200)
    gains = [
        np.nanmean(list(last_row(ARMS["better"][s]).test.sampled_means().values()))
        - np.nanmean(list(last_row(ARMS["reference"][s]).test.sampled_means().values()))
        for s in (1, 2, 3)
    ]
    assert better.over_seeds.value == pytest.approx(np.mean(gains), abs=2e-3)
    assert better.over_seeds.low == pytest.approx(t_interval(gains).low, abs=1e-2)
    assert better.over_problems.low > 0 > same.over_problems.low
    assert (same.over_seeds.value, same.p) == (0.0, 1.0)


def test_p_values_are_corrected_for_all_arms_together():
    lines = against(ARMS, "reference", "greedy", bootstrap=200)
    assert [line.adjusted for line in lines] == pytest.approx(benjamini_hochberg([line.p for line in lines]))
    assert lines[0].adjusted > lines[0].p


def test_one_seed_is_tested_over_problems_and_has_no_limits_over_seeds():
    one = {name: {1: seeds[1]} for name, seeds in ARMS.items()}
    better = against(one, "reference", "sampled", bootstrap=200)[0]
    assert np.isnan(better.over_seeds.low) and better.p < 0.01
    assert seed_spread(one, "reference", "sampled") is None


def test_the_spread_over_seeds_is_unknown_where_all_differences_are_alike():
    assert seed_spread({"reference": ARMS["reference"], "same": ARMS["same"]}, "reference", "greedy") is None
    assert seed_spread(ARMS, "reference", "greedy") > 0


def test_only_seeds_that_both_arms_have_are_compared():
    arms = {"reference": {1: ARMS["reference"][1]}, "better": ARMS["better"], "late": {3: ARMS["better"][3]}}
    lines = against(arms, "reference", "greedy", bootstrap=200)
    assert [(line.arm, line.seeds) for line in lines] == [("better", (1,))]


def test_arms_scored_on_other_problems_are_refused():
    test = made_up_run((0.45, 0.6)).iterations[0].test
    other = replace(test, greedy_outcomes={f"other/{name}": text for name, text in test.greedy_outcomes.items()})
    result = made_up_run((0.45, 0.6))
    strange = replace(result, iterations=(replace(result.iterations[0], test=other),))
    with pytest.raises(UserError, match="different problems"):
        against({"reference": ARMS["reference"], "other": {1: strange}}, "reference", "greedy")


def test_a_run_that_has_only_its_base_takes_no_part():
    bare = replace(made_up_run((0.45, 0.6)), iterations=())
    assert arm_figures("bare", {1: bare}) is None
    assert against({"reference": ARMS["reference"], "bare": {1: bare}}, "reference", "greedy") == []


def test_a_run_that_has_not_ended_takes_no_part_in_means_over_seeds():
    """Its last round is another than that of the seeds that have ended."""
    cut = {
        **ARMS["better"],
        2: replace(ARMS["better"][2], status="running"),
        3: replace(ARMS["better"][3], status="failed"),
    }
    assert arm_figures("cut", cut).seeds == (1,)
    assert [line.seeds for line in against({**ARMS, "better": cut}, "reference", "greedy", bootstrap=200)] == [
        (1,),
        (1, 2, 3),
    ]
    assert set(by_round(cut, "greedy")) == {0, 1}  # the curve shows how far each has come


def test_what_was_spent_adds_up_over_rounds_and_is_averaged_over_seeds():
    result = made_up_run()
    total = spent(result)
    assert total.samples == sum(row.train.samples for row in result.iterations)
    assert total.tokens_per_row == pytest.approx(total.tokens / sum(row.kept_examples for row in result.iterations))
    figures = arm_figures("arm", {1: result, 2: replace(result, iterations=result.iterations[:1])})
    assert figures.rounds == (3, 1)
    assert figures.spent.samples == pytest.approx(9600 * 2)


def test_the_curve_over_rounds_has_the_base_and_students_limits():
    curve = by_round(ARMS["better"], "greedy")
    assert list(curve) == [0, 1]
    assert curve[0].low > 0.2  # all seeds share the base: its limits are those over problems, not a width of zero
    assert curve[0].high > curve[0].low
