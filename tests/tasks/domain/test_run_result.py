"""Scores from samples and verdicts, comparisons with the base, and records that survive JSON."""

import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest

from tasks.domain.comparison import by_difficulty, compare
from tasks.domain.errors import StageFailed, UserError
from tasks.domain.run_result import (
    EpochScore,
    IterationResult,
    PolicyScore,
    RunResult,
    Tally,
    correct_matrix,
)
from tasks.domain.schema import Policy, Problem, Sample, Verdict
from tasks.domain.scoring import score, tally_train
from tasks.domain.selection import SelectionStats
from tasks.domain.settings import EvaluateSettings
from tasks.domain.statistics import Interval, bootstrap_mean, pass_at_k, wilson

SETTINGS = EvaluateSettings(samples=4, k=(1, 2, 4), bootstrap=200)
POLICY = Policy("abc", "file:///policy", "iteration 1")
LABELS = {"1": "correct", "0": "wrong", "?": "verifier_error", "u": "unparseable", "t": "timeout"}


def problems(n, levels=None):
    return [
        Problem(
            f"p{i}", "made up", "test", "math", f"question {i}", "1", level=levels[i % len(levels)] if levels else None
        )
        for i in range(n)
    ]


def rows(outcomes, prefix="p", finish="stop", tokens=20):
    """Samples and verdicts from one text a problem; a correct sample answers 1, a wrong one 0."""
    samples, verdicts = [], []
    for place, text in enumerate(outcomes):
        for index, cell in enumerate(text):
            name = f"{prefix}{place}"
            samples.append(
                Sample(name, "", index, f"text {cell}", finish, None, 5, tokens, "prompt", "abc", "sampling")
            )
            evidence = {"answer": cell} if cell in "01" else {}
            reward = None if cell == "?" else float(cell == "1")
            verdicts.append(Verdict(name, index, LABELS[cell], reward, evidence))
    return samples, verdicts


def scored(greedy, sampled, levels=None, settings=SETTINGS):
    n = max(len(greedy), len(sampled))
    return score(problems(n, levels), *rows(greedy), *rows(sampled), settings, POLICY)


def test_a_score_holds_what_the_statistics_say():
    sampled = ["1100", "0000", "1111", "u0t1"]
    result = scored(["1", "0", "1", "u"], sampled)
    matrix = [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]]
    assert result.greedy == wilson(2, 4)
    assert result.sampled == bootstrap_mean([0.5, 0, 1, 0.25], 200)
    assert result.pass_at_k[2] == bootstrap_mean(pass_at_k(matrix, 2).value_P, 200)
    assert (result.policy_digest, result.policy_name, result.split, result.problems) == (
        "abc",
        "iteration 1",
        "test",
        4,
    )
    assert result.greedy_outcomes == {"p0": "1", "p1": "0", "p2": "1", "p3": "0"}
    assert result.sampled_outcomes["p3"] == "0001"
    assert result.bounds == {}


def test_the_vote_counts_only_answers_that_were_read():
    result = scored([], ["uuu1", "0011", "0uuu", "0001"])
    assert result.maj_at_k[4].value == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert result.greedy is None


def test_without_extracted_answers_there_is_no_vote():
    samples, verdicts = rows(["10", "01"])
    verdicts = [replace(v, evidence={"rule": "tests"}) for v in verdicts]
    result = score(problems(2), [], [], samples, verdicts, EvaluateSettings(samples=2, k=(1, 2), bootstrap=100), POLICY)
    assert result.maj_at_k == {}
    assert set(result.pass_at_k) == {1, 2}


def test_verifier_errors_are_counted_and_bounded_not_wrong():
    result = scored(["1", "?", "0", "1"], ["1?00", "1111", "0000", "1100"])
    assert result.greedy == wilson(2, 3)
    assert (result.bounds["greedy"].low, result.bounds["greedy"].high) == (0.5, 0.75)
    assert result.verifier_errors == 2
    assert result.sampled.value == pytest.approx((1 / 3 + 1 + 0 + 0.5) / 4)
    assert (result.bounds["sampled"].low, result.bounds["sampled"].high) == (7 / 16, 8 / 16)
    assert result.bounds["pass@2"].low < result.bounds["pass@2"].high


def test_format_failures_truncation_and_tokens_are_shares_and_sums():
    samples, verdicts = rows(["1u", "u0"])
    samples[0] = replace(samples[0], finish_reason="length")
    tally = Tally.of(samples, verdicts)
    assert (tally.format_failures, tally.truncated_share, tally.tokens) == (0.5, 0.25, 4 * 25)
    assert tally + tally == Tally.of(samples * 2, verdicts * 2)
    assert math.isnan(Tally().format_failures)


def test_levels_are_in_natural_order():
    result = scored(
        ["1", "0", "1", "1"], ["11", "00", "10", "11"], ["Level 10", "Level 2"], EvaluateSettings(samples=2, k=(1,))
    )
    assert list(result.by_level) == ["Level 2", "Level 10"]
    assert result.by_level["Level 10"].greedy == wilson(2, 2)
    assert result.by_level["Level 2"].sampled.value == 0.5
    assert scored(["1"], ["1"], None, EvaluateSettings(samples=1, k=(1,))).by_level == {}


def test_no_problem_leaves_the_denominator_silently():
    with pytest.raises(StageFailed, match=r"1 of 2 problems have fewer than 2 samples \(p1\)"):
        score(problems(2), [], [], *rows(["10", "1"]), EvaluateSettings(samples=2, k=(1,)), POLICY)
    with pytest.raises(StageFailed, match="1 of 2 problems have fewer than 1 samples"):
        score(problems(2), *rows(["1"]), [], [], SETTINGS, POLICY)


def test_a_sample_needs_its_verdict():
    samples, verdicts = rows(["10"])
    with pytest.raises(StageFailed, match="p0/1 has no verdict"):
        score(problems(1), [], [], samples, verdicts[:1], SETTINGS, POLICY)


def test_samples_of_two_policies_are_not_one_score():
    samples, verdicts = rows(["10"])
    mixed = [samples[0], replace(samples[1], policy_digest="other")]
    with pytest.raises(UserError, match="samples of 2 policies"):
        score(problems(1), [], [], mixed, verdicts, SETTINGS)


def test_nothing_sampled_scores_nothing():
    result = score(problems(2), [], [], [], [], SETTINGS, POLICY)
    assert (result.greedy, result.sampled, result.problems) == (None, None, 2)


def test_shown_samples_hold_every_label_and_no_broken_text():
    samples, verdicts = rows(["10u?t" * 2])
    samples = [replace(s, text="lone \ud800 surrogate " + "x" * 9000) for s in samples]
    settings = EvaluateSettings(samples=10, k=(1,), bootstrap=100)
    shown = score(problems(1), [], [], samples, verdicts, settings, POLICY).shown
    assert {s.label for s in shown} == set(LABELS.values())
    assert all(len(s.text) < 4100 for s in shown)
    json.dumps([s.text for s in shown], ensure_ascii=False).encode()


def test_differences_are_paired_by_problem_id():
    base, after = (
        scored(["1", "0", "0", "1"], ["1100", "0000", "1000", "1111"]),
        scored(["1", "1", "0", "1"], ["1110"] * 4),
    )
    shuffled = replace(after, greedy_outcomes=dict(reversed(after.greedy_outcomes.items())))
    differences = {d.metric: d for d in compare(after, base, 1, 200)}
    assert set(differences) == {"greedy", "sampled", "pass@2", "pass@4", "maj@2", "maj@4"}
    assert differences["maj@4"].interval.value == pytest.approx(1 - (0.5 + 0 + 0 + 1) / 4)
    assert differences["greedy"].interval.value == 0.25
    assert differences["sampled"].interval.value == pytest.approx(0.75 - 7 / 16)
    assert compare(shuffled, base, 1, 200) == compare(after, base, 1, 200)


def test_scores_on_different_problems_are_not_compared():
    with pytest.raises(UserError, match="scored on different problems"):
        compare(scored(["1", "0"], ["11", "11"]), scored(["1"], ["11"]), 1)


def test_a_policy_equal_to_the_base_gains_nothing_at_any_difficulty():
    rng = random.Random(0)
    rates = [rng.random() ** 2 for _ in range(600)]
    draw = lambda: ["".join("1" if rng.random() < p else "0" for _ in range(8)) for p in rates]  # noqa: E731
    base, same = scored([], draw()), scored([], draw())
    bins = by_difficulty(same, base, 300)
    assert [b.name for b in bins] == ["0-25 %", "25-50 %", "50-75 %", "75-100 %"]
    assert sum(b.problems for b in bins) == 600
    assert all(b.difference.low <= 0.01 and b.difference.high >= -0.01 for b in bins)


def test_difficulty_needs_two_samples():
    assert by_difficulty(scored(["1"], []), scored(["1"], [])) == []


def test_the_train_tally_adds_up_over_ranges():
    outcomes = ["1100", "0001", "0000", "0?11"]
    whole = tally_train(problems(4), *rows(outcomes), first_wave=3)
    halves = [
        tally_train(problems(4)[:2], *rows(outcomes[:2]), first_wave=3),
        tally_train(problems(4)[2:], *(
            [r for r in part if r.problem_id in ("p2", "p3")] for part in rows(outcomes)
        ), first_wave=3),
    ]  # fmt: skip
    assert halves[0] + halves[1] == whole
    assert (whole.solved_first_wave, whole.solved) == (2, 3)
    assert whole.solve_rate == wilson(2, 4)
    assert whole.accuracies == pytest.approx((2 / 3, 0, 0, 1 / 2))
    assert whole.tally.labels["verifier_error"] == 1


def run_result():
    test = scored(["1", "?"], ["1100", "?000"], ["easy", "hard"])
    base = IterationResult(0, "base", test=replace(test, policy_name="base"), seconds={"evaluate": 2.5})
    iteration = IterationResult(
        1,
        "abc",
        wilson(3, 4),
        bootstrap_mean([0.5, 0.25], 100),
        4,
        3,
        Tally(8, {"correct": 5, "wrong": 3}, 1, 80, 160),
        SelectionStats(problems=4, samples=8, kept=5, rows_per_problem={0: 1, 1: 1, 2: 2}),
        (EpochScore(1, Interval(0.5, 0.4, 0.6), True, 0.1, "d1"), EpochScore(2, Interval(float("nan"), 0, 1))),
        Interval(0.5, 0.4, 0.6),
        test,
        {"generate": 10.0},
        {"generate": True},
        {"generate": "0123456789abcdef"},
    )
    differences = tuple(compare(test, base.test, 1, 100))
    return RunResult("demo", {"loop": {"iterations": 1}}, base, (iteration,), "completed", differences=differences)


def test_results_survive_json():
    result = run_result()
    text = json.dumps(result.to_json(), allow_nan=False)
    again = RunResult.from_json(text)
    assert again.to_json() == result.to_json()
    assert math.isnan(again.iterations[0].epochs[1].val_reward.value)
    assert replace(again.iterations[0], epochs=(), test=None) == replace(result.iterations[0], epochs=(), test=None)
    assert RunResult.from_json(result.to_json()).rows[1].kept_examples == 5
    assert PolicyScore.from_json(result.base.test.to_json()).pass_at_k == result.base.test.pass_at_k


def test_unknown_keys_are_left_out_and_missing_ones_named():
    tree = run_result().to_json()
    assert RunResult.from_json(tree | {"a later field": 1}).name == "demo"
    del tree["base"]["number"]
    with pytest.raises(UserError, match=r"not a RunResult: at base\.number: Field required"):
        RunResult.from_json(tree)


def test_outcomes_are_the_matrix():
    assert np.array_equal(correct_matrix(["1?0"]), [[1.0, float("nan"), 0.0]], equal_nan=True)
