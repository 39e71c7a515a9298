"""Which samples become rows: filter, distinctness, cap by index, weights, control arms, waves."""

import math
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from tasks.domain.errors import StageFailed, UserError
from tasks.domain.schema import Problem, Sample, Verdict
from tasks.domain.selection import (
    SelectionStats,
    accepted_count,
    choose_rows,
    keep_rows,
    remaining_problems,
    row_id,
    rows_per_problem,
    select_examples,
)
from tasks.domain.settings import MaterializeSettings

TOKENS = 50


def problem(name="p"):
    return Problem(name, "made up", "train", "math", f"question {name}", gold="1")


def sample(index, text=None, name="p", finish="stop"):
    return Sample(
        name, "", index, text or f"solution {index}", finish, None, 10, TOKENS, "prompt", "policy", "sampling"
    )


def verdict(index, label="correct", name="p", reward=None):
    usual = {"correct": 1.0, "verifier_error": None}.get(label, 0.0)
    return Verdict(name, index, label, usual if reward is None else reward)


def select(samples, verdicts, problems=None, **knobs):
    problems = problems or [problem()]
    prompts = {p.id: f"prompt of {p.id}" for p in problems}
    return select_examples(problems, samples, verdicts, prompts, MaterializeSettings(**knobs))


def indices(selection):
    return [example.index for example in selection.examples]


def test_only_correct_samples_become_rows():
    labels = ["correct", "wrong", "unparseable", "timeout", "verifier_error", "correct"]
    result = select([sample(i) for i in range(6)], [verdict(i, label) for i, label in enumerate(labels)])
    assert indices(result) == [0, 5]
    assert (result.stats.rejected, result.stats.verifier_errors, result.stats.kept) == (3, 1, 2)


def test_a_row_is_prompt_and_completion_as_they_are():
    row = select([sample(0, "  the answer \n")], [verdict(0)]).examples[0]
    assert (row.prompt, row.completion, row.weight, row.reward) == ("prompt of p", "  the answer \n", 1.0, 1.0)


def test_a_completion_that_ended_by_length_is_not_accepted():
    samples = [sample(0, finish="length"), sample(1), sample(2, finish="abort")]
    verdicts = [verdict(i) for i in range(3)]
    assert indices(select(samples, verdicts)) == [1]
    assert indices(select(samples, verdicts, accept_truncated=True)) == [0, 1]
    assert select(samples, verdicts).stats.truncated == 2


@pytest.mark.parametrize("dedupe, kept", [("none", [0, 1, 2, 3]), ("text", [0, 1, 3]), ("normalized", [0, 3])])
def test_equal_solutions_count_once(dedupe, kept):
    texts = ["a = 1\nso 1", "a = 1   so 1 ", "a = 1\nso 1", "A = 1 so 1"]
    result = select([sample(i, t) for i, t in enumerate(texts)], [verdict(i) for i in range(4)], dedupe=dedupe)
    assert indices(result) == kept
    assert result.stats.duplicates == 4 - len(kept)


def test_equal_solutions_of_two_problems_are_both_kept():
    problems = [problem("a"), problem("b")]
    samples = [sample(0, "same", "a"), sample(0, "same", "b")]
    result = select(samples, [verdict(0, name="a"), verdict(0, name="b")], problems)
    assert [(e.problem_id, e.prompt) for e in result.examples] == [("a", "prompt of a"), ("b", "prompt of b")]


@given(st.permutations(range(8)), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_the_cap_is_filled_by_index_whatever_came_first(order, cap):
    result = select([sample(i) for i in order], [verdict(i) for i in reversed(order)], cap=cap)
    assert indices(result) == list(range(8))[:cap]
    assert result.stats.over_cap == 8 - len(result.examples)


def test_any_takes_samples_regardless_of_reward_but_not_unknown_ones():
    labels = ["wrong", "correct", "verifier_error", "unparseable"]
    result = select([sample(i) for i in range(4)], [verdict(i, label) for i, label in enumerate(labels)], accept="any")
    assert indices(result) == [0, 1, 3]
    assert [e.reward for e in result.examples] == [0.0, 1.0, 0.0]


def a_range(seed=0, problems=30, n=16):
    """A range of problems with different solve rates, as (problems, samples, verdicts)."""
    rng = random.Random(seed)
    names = [f"p{i:02d}" for i in range(problems)]
    rates = {name: rng.random() for name in names}
    samples = [sample(i, f"{name} {i}", name) for name in names for i in range(n)]
    verdicts = [
        verdict(s.index, "correct" if rng.random() < rates[s.problem_id] else "wrong", s.problem_id) for s in samples
    ]
    return [problem(name) for name in names], samples, verdicts


def test_permuted_keeps_the_number_of_rows_and_loses_the_rewards():
    problems, samples, verdicts = a_range()
    honest = select(samples, verdicts, problems, cap=16)
    arm = select(samples, verdicts, problems, cap=16, accept="permuted", seed=1)
    truth = {(v.problem_id, v.index): v.reward for v in verdicts}
    assert len(arm.examples) == len(honest.examples)
    share_correct = np.mean([truth[e.problem_id, e.index] for e in arm.examples])
    assert share_correct == pytest.approx(np.mean(list(truth.values())), abs=0.1)
    assert all(e.reward == 1.0 for e in arm.examples)


def test_permuted_depends_on_the_seed_alone():
    problems, samples, verdicts = a_range()
    shuffled = random.Random(3).sample(samples, len(samples))
    first = select(samples, verdicts, problems, accept="permuted", seed=1)
    assert select(shuffled, verdicts[::-1], problems, accept="permuted", seed=1) == first
    assert select(samples, verdicts, problems, accept="permuted", seed=2).examples != first.examples


@pytest.mark.parametrize("accept", ["correct", "any", "permuted"])
def test_every_sample_is_accounted_for(accept):
    problems, samples, verdicts = a_range()
    samples = [replace(s, finish_reason="length") if s.index % 7 == 0 else s for s in samples]
    samples = [replace(s, text="same") if s.index % 5 == 0 else s for s in samples]
    stats = select(samples, verdicts, problems, accept=accept, cap=4).stats
    parts = (stats.verifier_errors, stats.truncated, stats.rejected, stats.duplicates, stats.over_cap, stats.kept)
    assert sum(parts) == stats.samples == len(samples)
    assert sum(rows * count for rows, count in stats.rows_per_problem.items()) == stats.kept
    assert sum(stats.rows_per_problem.values()) == stats.problems == len(problems)


@pytest.mark.parametrize("accept", ["correct", "any"])
def test_range_by_range_gives_what_the_whole_gives(accept):
    problems, samples, verdicts = a_range()
    whole = select(samples, verdicts, problems, accept=accept)
    halves = [problems[:13], problems[13:]]
    names = [{p.id for p in half} for half in halves]
    parts = [
        select([s for s in samples if s.problem_id in some], verdicts, half, accept=accept)
        for half, some in zip(halves, names, strict=True)
    ]
    assert parts[0].examples + parts[1].examples == whole.examples
    assert parts[0].stats + parts[1].stats == whole.stats


def test_weights_share_one_per_problem():
    assert [
        e.weight
        for e in select([sample(i) for i in range(4)], [verdict(i) for i in range(4)], weight="per_problem").examples
    ] == [0.25] * 4


def test_weights_follow_the_reward_exponentially():
    samples, verdicts = [sample(0), sample(1)], [verdict(0, "wrong", reward=0.5), verdict(1)]
    rows = select(samples, verdicts, accept="any", weight="exp_reward", beta=0.5).examples
    assert [row.weight for row in rows] == pytest.approx([math.e, math.e**2])


def test_a_beta_that_overflows_is_a_user_error():
    with pytest.raises(UserError, match=r"materialize\.beta = 0\.001 overflows"):
        select([sample(0)], [verdict(0)], weight="exp_reward", beta=0.001)


def test_missing_verdicts_double_indices_and_strangers_are_refused():
    with pytest.raises(StageFailed, match="1 samples have no verdict"):
        select([sample(0), sample(1)], [verdict(0)])
    with pytest.raises(StageFailed, match="two samples are called p/0"):
        select([sample(0), sample(0)], [verdict(0)])
    with pytest.raises(StageFailed, match="outside this range"):
        select([sample(0, name="q")], [verdict(0, name="q")])


@given(st.sets(st.text(max_size=8), max_size=60), st.integers(1, 40), st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_chosen_rows_depend_neither_on_order_nor_on_partition(ids, most, seed):
    chosen = choose_rows(sorted(ids), most, seed)
    assert chosen == choose_rows(sorted(ids, reverse=True), most, seed)
    assert len(chosen) == min(most, len(ids))
    low = {i for i in ids if len(i) % 2}
    high = ids - low
    assert choose_rows(choose_rows(low, most, seed) | choose_rows(high, most, seed), most, seed) == chosen
    assert chosen <= choose_rows(ids, most + 5, seed)


def test_rows_are_chosen_uniformly():
    counts = Counter(row for seed in range(2000) for row in choose_rows("abcdefghij", 3, seed))
    assert all(abs(counts[row] - 600) < 100 for row in "abcdefghij")  # five standard deviations


def test_thinned_rows_share_their_weights_anew():
    problems, samples, verdicts = a_range()
    knobs = MaterializeSettings(weight="per_problem")
    whole = select(samples, verdicts, problems, weight="per_problem")
    chosen = choose_rows((row_id(e) for e in whole.examples), 40, seed=0)
    thinned = keep_rows(whole, chosen, knobs)
    weights = Counter()
    for row in thinned.examples:
        weights[row.problem_id] += row.weight
    assert len(thinned.examples) == thinned.stats.kept == 40
    assert all(total == pytest.approx(1.0) for total in weights.values())
    assert thinned.stats.kept + thinned.stats.over_max_rows == whole.stats.kept
    assert thinned.stats.rows_per_problem == rows_per_problem(thinned.examples, len(problems))


def test_stats_survive_json():
    stats = select(*a_range()[1:], a_range()[0]).stats
    assert SelectionStats.from_json(stats.to_json()) == stats


def test_a_problem_with_enough_distinct_solutions_drops_out():
    problems = [problem("full"), problem("same"), problem("hard")]
    samples = [
        sample(i, None if name == "full" else "one text", name) for name in ("full", "same", "hard") for i in range(3)
    ]
    verdicts = [
        verdict(i, "wrong" if name == "hard" else "correct", name)
        for name in ("full", "same", "hard")
        for i in range(3)
    ]
    knobs = MaterializeSettings(cap=3)
    assert [p.id for p in remaining_problems(problems, samples, verdicts, knobs)] == ["same", "hard"]
    of = {name: [s for s in samples if s.problem_id == name] for name in ("full", "same", "hard")}
    assert [accepted_count(of[name], verdicts, knobs) for name in of] == [3, 1, 0]


def test_a_problem_without_samples_remains():
    assert remaining_problems([problem()], [], [], MaterializeSettings()) == [problem()]


def test_the_permuted_arm_draws_the_same_samples_as_the_honest_one():
    problems, samples, verdicts = a_range()
    honest, arm = MaterializeSettings(cap=8), MaterializeSettings(cap=8, accept="permuted")
    assert remaining_problems(problems, samples, verdicts, arm) == remaining_problems(
        problems, samples, verdicts, honest
    )


WAVES, CAP = (16, 8, 8), 10


def synthetic_policy(rate, seed):
    """Draw `index` of one problem: correct with probability `rate`, one of 40 ways to say it, so some repeat."""
    rng = random.Random(seed)
    draws = [(rng.random() < rate, f"way {rng.randrange(40)}") for _ in range(sum(WAVES))]
    samples = [sample(i, text) for i, (_, text) in enumerate(draws)]
    return samples, [verdict(i, "correct" if right else "wrong") for i, (right, _) in enumerate(draws)]


def drawn_in_waves(samples, verdicts, knobs):
    """The samples that the waves would have drawn."""
    drawn = 0
    for wave in WAVES:
        drawn += wave
        if not remaining_problems([problem()], samples[:drawn], verdicts[:drawn], knobs):
            break
    return samples[:drawn], verdicts[:drawn]


@pytest.mark.parametrize("rate", [0.03, 0.2, 0.6, 0.9])
def test_waves_keep_exactly_what_all_samples_at_once_would_keep(rate):
    knobs = MaterializeSettings(cap=CAP)
    for seed in range(60):
        samples, verdicts = synthetic_policy(rate, seed)
        flat = select(samples, verdicts, cap=CAP)
        assert select(*drawn_in_waves(samples, verdicts, knobs), cap=CAP).examples == flat.examples


@pytest.mark.parametrize("rate", [0.2, 0.6])
def test_accepted_sets_of_waves_and_of_independent_flat_draws_are_equal_in_distribution(rate):
    knobs = MaterializeSettings(cap=CAP)
    waves = [
        select(*drawn_in_waves(*synthetic_policy(rate, f"waves {s}"), knobs), cap=CAP).examples for s in range(600)
    ]
    flat = [select(*synthetic_policy(rate, f"flat {s}"), cap=CAP).examples for s in range(600)]
    for feature in (len, lambda rows: rows[-1].completion if rows else None):
        left, right = Counter(map(feature, waves)), Counter(map(feature, flat))
        table = [[side[key] for key in left | right if left[key] + right[key] >= 10] for side in (left, right)]
        assert chi2_contingency(table).pvalue > 0.001


def test_waves_save_tokens_where_problems_are_easy(capsys):
    knobs = MaterializeSettings(cap=CAP, dedupe="none")
    saved = {}
    for rate in (0.03, 0.2, 0.6, 0.9):
        spent = [len(drawn_in_waves(*synthetic_policy(rate, s), knobs)[0]) * TOKENS for s in range(300)]
        saved[rate] = sum(WAVES) * TOKENS / np.mean(spent)
    with capsys.disabled():
        print("\nflat tokens / tokens in waves:", {rate: round(float(factor), 2) for rate, factor in saved.items()})
    assert saved[0.03] == pytest.approx(1.0, abs=0.02)
    assert saved[0.6] >= 1.5
    assert saved[0.9] == pytest.approx(2.0, abs=0.02)


def test_a_solution_with_a_false_equation_is_left_out_when_equations_must_hold():
    samples = [sample(0, "37 - 5 = 22"), sample(1, "37 - 15 = 22"), sample(2, "22, I think")]
    verdicts = [verdict(i) for i in range(3)]
    assert indices(select(samples, verdicts)) == [0, 1, 2]
    result = select(samples, verdicts, equations="hold")
    assert indices(result) == [1, 2]
    assert (result.stats.rejected, result.stats.kept) == (1, 2)


def test_solutions_that_calculate_the_same_are_one_when_deduplicated_by_equations():
    samples = [sample(0, "He has 2 + 2 = 4."), sample(1, "So 2+2=4 remain"), sample(2, "1 + 3 = 4"), sample(3, "4")]
    result = select(samples, [verdict(i) for i in range(4)], dedupe="equations")
    assert indices(result) == [0, 2, 3]
