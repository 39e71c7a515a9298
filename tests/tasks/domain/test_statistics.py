"""Estimates against brute force and closed forms, intervals against simulated truth."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from tasks.domain.statistics import (
    bootstrap_mean,
    difficulty_bins,
    paired_difference,
    pass_at_k,
    sample_mean,
    wilson,
)
from tasks.domain.voting import maj_at_k

NAN = float("nan")


@pytest.mark.parametrize("successes, n", [(0, 10), (3, 10), (10, 10), (41, 164), (1, 5000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_wilson_agrees_with_scipy(successes, n, confidence):
    expected = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    got = wilson(successes, n, confidence)
    assert (got.value, got.low, got.high) == pytest.approx((successes / n, expected.low, expected.high), abs=1e-12)


def test_wilson_of_nothing_knows_nothing():
    nothing = wilson(0, 0)
    assert np.isnan(nothing.value)
    assert (nothing.low, nothing.high) == (0.0, 1.0)
    assert str(nothing) == "unknown"


def test_wilson_refuses_more_successes_than_trials():
    with pytest.raises(ValueError, match="3 successes among 2"):
        wilson(3, 2)


@pytest.mark.parametrize("p", [0.02, 0.3, 0.63, 0.99])
def test_wilson_covers_the_true_share(p):
    hits = np.random.default_rng(1).binomial(150, p, size=2000)
    covered = np.mean([(i := wilson(h, 150)).low <= p <= i.high for h in hits])
    assert 0.925 <= covered <= 0.985


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.data())
@settings(max_examples=60, deadline=None)
def test_pass_at_k_is_the_mean_over_all_subsets(row, data):
    k = data.draw(st.integers(1, len(row)))
    expected = np.mean([any(subset) for subset in combinations(row, k)])
    assert pass_at_k([row], k).value_P[0] == pytest.approx(expected, abs=1e-12)


def test_pass_at_k_does_not_overflow():
    correct = np.zeros((2, 5000))
    correct[1, 0] = 1
    assert pass_at_k(correct, 2500).value_P == pytest.approx([0.0, 0.5])


def test_pass_at_k_is_unbiased():
    rng, p, k = np.random.default_rng(2), 0.2, 4
    estimates = pass_at_k(rng.random((40_000, 10)) < p, k).value_P
    truth = 1 - (1 - p) ** k
    assert estimates.mean() == pytest.approx(truth, abs=4 * estimates.std() / 200)


def test_unknown_samples_are_left_out_and_bounded():
    result = pass_at_k([[1, 0, NAN, 0]], 2)
    assert result.value_P == pytest.approx(pass_at_k([[1, 0, 0]], 2).value_P)
    assert result.if_wrong_P == pytest.approx(pass_at_k([[1, 0, 0, 0]], 2).value_P)
    assert result.if_right_P == pytest.approx(pass_at_k([[1, 0, 1, 0]], 2).value_P)


def test_where_fewer_than_k_samples_are_known_all_of_them_are_the_draw():
    value_P = pass_at_k([[1, NAN], [0, NAN], [NAN, NAN]], 2).value_P
    assert value_P[:2].tolist() == [1.0, 0.0]
    assert np.isnan(value_P[2])


@given(
    st.lists(st.sampled_from([0.0, 1.0, NAN]), min_size=1, max_size=10).filter(lambda r: r.count(NAN) < len(r)),
    st.data(),
)
@settings(max_examples=80, deadline=None)
def test_an_estimate_lies_within_its_bounds(row, data):
    result = pass_at_k([row], data.draw(st.integers(1, len(row))))
    assert result.if_wrong_P[0] - 1e-12 <= result.value_P[0] <= result.if_right_P[0] + 1e-12


@pytest.mark.parametrize("k", [0, 4])
def test_k_outside_the_samples_is_refused(k):
    with pytest.raises(ValueError, match=f"k = {k} does not fit"):
        pass_at_k(np.ones((2, 3)), k)


def brute_force_vote(answers, correct, k):
    """Mean over all subsets of the share of correct answers among the winners."""
    scores = []
    for chosen in combinations(range(len(answers)), k):
        votes = [answers[i] for i in chosen if answers[i] is not None]
        most = max((votes.count(a) for a in votes), default=0)
        winners = {a for a in votes if votes.count(a) == most}
        right = {answers[i] for i in chosen if correct[i]}
        scores.append(len(winners & right) / len(winners) if winners else 0.0)
    return np.mean(scores)


@given(st.lists(st.sampled_from(["7", "8", "9", "10", None]), min_size=1, max_size=9), st.data())
@settings(max_examples=150, deadline=None)
def test_maj_at_k_is_the_mean_over_all_votes(answers, data):
    k = data.draw(st.integers(1, len(answers)))
    correct = [answer == "7" for answer in answers]
    assert maj_at_k([answers], [correct], k).value_P[0] == pytest.approx(
        brute_force_vote(answers, correct, k), abs=1e-12
    )


@given(st.lists(st.sampled_from("abcd"), min_size=2, max_size=8), st.data())
@settings(max_examples=60, deadline=None)
def test_two_answers_may_both_be_correct(answers, data):
    k = data.draw(st.integers(1, len(answers)))
    correct = [answer in "ab" for answer in answers]
    assert maj_at_k([answers], [correct], k).value_P[0] == pytest.approx(
        brute_force_vote(answers, correct, k), abs=1e-12
    )


def test_one_voter_is_pass_at_1():
    rng = np.random.default_rng(3)
    answers = rng.integers(0, 4, (50, 16)).astype(str)
    correct = answers == "0"
    assert maj_at_k(answers.tolist(), correct, 1).value_P == pytest.approx(sample_mean(correct).value_P)


def test_all_voters_is_the_plain_majority():
    answers = [["a"] * 3 + ["b"] * 2 + [None] * 5, ["a", "a", "b", "b"] + [None] * 6]
    correct = [[a == "a" for a in row] for row in answers]
    assert maj_at_k(answers, correct, 10).value_P == pytest.approx([1.0, 0.5])


def test_unparseable_samples_do_not_vote():
    assert maj_at_k([[None, None, "a"]], [[0, 0, 1]], 3).value_P == pytest.approx([1.0])
    assert maj_at_k([[None, None, None]], [[0, 0, 0]], 3).value_P == pytest.approx([0.0])


def test_an_unknown_sample_takes_the_verdict_of_an_equal_answer():
    result = maj_at_k([["a", "a", "b"]], [[1, NAN, 0]], 3)
    assert (result.value_P, result.if_wrong_P, result.if_right_P) == ([1.0], [1.0], [1.0])


def test_unknown_votes_are_bounded_by_the_worst_and_the_best():
    result = maj_at_k([["a", "b", None, None]], [[1, 0, NAN, NAN]], 4)
    assert result.value_P[0] == 0.5  # two known voters of four
    assert (result.if_wrong_P[0], result.if_right_P[0]) == (0.0, 1.0)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.booleans()), min_size=2, max_size=7), st.data())
@settings(max_examples=80, deadline=None)
def test_vote_bounds_hold_whatever_the_unknown_were(cells, data):
    answers = [answer for answer, _ in cells]
    truth = [float(answer == "a") for answer in answers]
    known = [NAN if lost else value for value, (_, lost) in zip(truth, cells, strict=True)]
    k = data.draw(st.integers(1, len(cells)))
    bounds, exact = maj_at_k([answers], [known], k), maj_at_k([answers], [truth], k).value_P[0]
    assert bounds.if_wrong_P[0] - 1e-12 <= exact <= bounds.if_right_P[0] + 1e-12


def test_votes_of_large_samples_are_quick_and_match_a_simulation():
    rng = np.random.default_rng(4)
    answers = rng.choice(["a", "b", "c", "d", "e"], p=[0.3, 0.25, 0.2, 0.15, 0.1], size=(40, 64))
    exact = maj_at_k(answers.tolist(), answers == "a", 16).value_P.mean()
    simulated = []
    for row in answers:
        for _ in range(100):
            votes = rng.permutation(row)[:16]
            counts = {a: (votes == a).sum() for a in "abcde"}
            winners = [a for a in counts if counts[a] == max(counts.values())]
            simulated.append(("a" in winners) / len(winners))
    assert exact == pytest.approx(np.mean(simulated), abs=4 * np.std(simulated) / len(simulated) ** 0.5)


def test_bootstrap_is_seeded_and_leaves_unknown_problems_out():
    values = [0.0, 1.0, 0.5, NAN, 0.25]
    assert bootstrap_mean(values, 500, seed=7) == bootstrap_mean(values, 500, seed=7)
    assert bootstrap_mean(values, 500, seed=7).value == pytest.approx(0.4375)


def test_bootstrap_in_chunks_is_the_bootstrap(monkeypatch):
    values = np.random.default_rng(5).random(300)
    whole = bootstrap_mean(values, 400, seed=1)
    monkeypatch.setattr("tasks.domain.statistics.CELLS_AT_ONCE", 1000)
    assert bootstrap_mean(values, 400, seed=1) == whole


def test_nothing_solved_is_not_certainty():
    assert bootstrap_mean([0.0] * 100) == wilson(0, 100)
    assert bootstrap_mean([1.0] * 100) == wilson(100, 100)
    assert np.isnan(bootstrap_mean([NAN, NAN]).value)


def solve_rates(rng, problems):
    """A population of problems with very different solve rates (mean 0.4)."""
    return rng.beta(0.4, 0.6, size=problems)


def test_bootstrap_covers_the_mean_over_problems():
    rng, hits, runs = np.random.default_rng(6), 0, 400
    for run in range(runs):
        correct_PN = rng.random((120, 8)) < solve_rates(rng, 120)[:, None]
        interval = bootstrap_mean(sample_mean(correct_PN).value_P, 400, seed=run)
        hits += interval.low <= 0.4 <= interval.high
    assert 0.91 <= hits / runs <= 0.98


def test_paired_difference_covers_the_true_gain():
    rng, hits, widths, runs = np.random.default_rng(7), 0, [], 400
    for run in range(runs):
        p = solve_rates(rng, 120)
        before, after = rng.binomial(8, p) / 8, rng.binomial(8, 0.9 * p + 0.1) / 8
        interval = paired_difference(after, before, 400, seed=run)
        hits += interval.low <= 0.06 <= interval.high  # mean of 0.1 * (1 - p)
        widths.append(
            (interval.high - interval.low) / (bootstrap_mean(after, 400).high - bootstrap_mean(after, 400).low)
        )
    assert 0.91 <= hits / runs <= 0.98
    assert np.mean(widths) < 0.75  # pairing removes the spread between problems


def test_paired_difference_drops_pairs_with_an_unknown_side():
    assert paired_difference([1, NAN, 0.5], [0, 1, 0.5]).value == pytest.approx(0.5)


def test_no_difference_at_all_is_not_certainty():
    interval = paired_difference([1, 0, 1], [1, 0, 1])
    assert (interval.value, interval.low) == (0.0, -interval.high)
    assert interval.high == wilson(0, 3).high


def test_unpaired_arrays_are_refused():
    with pytest.raises(ValueError, match="paired values"):
        paired_difference([1, 0], [1, 0, 1])


def test_the_half_split_shows_no_gain_where_there_is_none():
    rng = np.random.default_rng(8)
    p = solve_rates(rng, 4000)[:, None]
    base, same = rng.random((4000, 8)) < p, rng.random((4000, 8)) < p
    split = difficulty_bins(base)
    after = sample_mean(same).value_P
    for i, name in enumerate(split.names):
        here = split.bin_P == i
        honest = paired_difference(after[here], sample_mean(split.compared_PH).value_P[here], 500)
        assert honest.low <= 0.012, name
        assert honest.high >= -0.012, name
    naive = paired_difference(after[split.bin_P == 0], sample_mean(base[:, 0::2]).value_P[split.bin_P == 0], 500)
    assert naive.low > 0.02  # the same samples for binning and comparing: a gain out of nothing


def test_bins_are_named_ordered_and_complete():
    split = difficulty_bins([[0, 0, 0, 0], [1, 1, 0, 1], [1, 0, 1, 0], [NAN, 1, NAN, 1]])
    assert split.names == ("0-25 %", "25-50 %", "50-75 %", "75-100 %")
    assert split.bin_P.tolist() == [0, 2, 3, -1]
    assert split.compared_PH.tolist()[:3] == [[0, 0], [1, 1], [0, 0]]


def test_a_half_split_needs_two_samples():
    with pytest.raises(ValueError, match="at least 2 samples"):
        difficulty_bins([[1], [0]])
