"""What is peculiar to the selection of each method of the family."""

from __future__ import annotations

import pytest

from tasks.domain.judged import HUMAN
from tasks.domain.schema import Problem, Sample, Verdict
from tasks.domain.selection import Selection, keep_rows, remaining_problems, row_id, select_examples, unsolved_problems
from tasks.domain.settings import MaterializeSettings


def problem(name: str) -> Problem:
    return Problem(name, "made up", "train", "math", f"question {name}", gold="1")


def sample(name: str, index: int, text: str = "") -> Sample:
    return Sample(name, "", index, text or f"solution {index}", "stop", None, 10, 10, "prompt", "policy", "sampling")


def verdict(name: str, index: int, reward: float, answer: str = "") -> Verdict:
    return Verdict(name, index, "correct" if reward == 1 else "wrong", reward, {"answer": answer} if answer else {})


def rows_of(groups: dict[str, list[float]], /, *, first_wave: int = 0, **knobs: object) -> Selection:
    problems = [problem(name) for name in groups]
    samples = [sample(name, i) for name, rewards in groups.items() for i in range(len(rewards))]
    verdicts = [verdict(name, i, reward) for name, rewards in groups.items() for i, reward in enumerate(rewards)]
    settings = MaterializeSettings(**knobs)  # type: ignore[arg-type]
    return select_examples(problems, samples, verdicts, {p.id: p.question for p in problems}, settings, first_wave)


def kept(selection: Selection) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one in selection.examples:
        found.setdefault(one.problem_id, []).append(one.index)
    return found


def test_raft_keeps_the_best_one_a_prompt_and_drops_a_prompt_whose_best_is_zero() -> None:
    groups = {"graded": [0.2, 0.9, 0.5], "tied": [1.0, 1.0, 1.0, 0.0], "lost": [0.0, 0.0]}
    rows = rows_of(groups, accept="positive", cap=1, choose="reward", dedupe="none")
    assert kept(rows)["graded"] == [1]
    assert len(kept(rows)["tied"]) == 1 and "lost" not in kept(rows)


def test_raft_breaks_ties_by_seed_and_not_by_index() -> None:
    ties = {f"p{i}": [1.0] * 8 for i in range(40)}
    chosen = [kept(rows_of(ties, cap=1, choose="reward", dedupe="none", seed=seed)) for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len({rows[0] for rows in chosen[0].values()}) > 3


def test_raft_positives_keeps_all_that_are_right() -> None:
    assert kept(rows_of({"p": [1.0, 0.0, 1.0, 1.0]}, cap=4, dedupe="none")) == {"p": [0, 2, 3]}


def test_reinforce_rej_drops_groups_that_are_all_right_and_all_wrong() -> None:
    groups = {"right": [1.0, 1.0], "wrong": [0.0, 0.0], "mixed": [0.0, 1.0]}
    assert kept(rows_of(groups, groups="mixed")) == {"mixed": [1]}
    assert kept(rows_of(groups, groups="mixed", accept="any")) == {"mixed": [0, 1]}


def test_rwr_keeps_wrong_samples_with_the_lower_weight_and_sums_to_one_a_problem() -> None:
    rows = rows_of(
        {"p": [1.0, 0.0, 0.0], "q": [0.0, 0.0]}, accept="any", dedupe="none", weight="exp_reward_per_problem", beta=0.5
    )
    weights = {row_id(one): one.weight for one in rows.examples}
    assert weights["p/0"] / weights["p/1"] == pytest.approx(7.389056)  # exp(1 / 0.5)
    for name in ("p", "q"):
        assert sum(weight for row, weight in weights.items() if row.startswith(name)) == pytest.approx(1)
    thinned = keep_rows(rows, {"p/0", "p/2", "q/1"}, MaterializeSettings(weight="exp_reward_per_problem", beta=0.5))
    assert sum(one.weight for one in thinned.examples if one.problem_id == "p") == pytest.approx(1)


def test_rwr_comes_to_rest_em_as_beta_falls_and_never_overflows() -> None:
    rows = rows_of({"p": [1.0, 0.0]}, accept="any", weight="exp_reward_per_problem", beta=1e-9)
    assert [one.weight for one in rows.examples] == [1.0, 0.0]


def test_iml_weights_rows_by_their_reward() -> None:
    rows = rows_of({"p": [0.25, 0.0, 1.0]}, accept="positive", weight="reward")
    assert [(one.index, one.weight) for one in rows.examples] == [(0, 0.25), (2, 1.0)]


def test_rest_keeps_fewer_rows_as_the_threshold_rises_and_all_at_zero() -> None:
    groups = {"p": [0.0, 0.5, 0.8, 0.95, 1.0]}
    sizes = [len(rows_of(groups, accept="any", threshold=bar).examples) for bar in (0.0, 0.7, 0.8, 0.9, 0.95, 0.99)]
    assert sizes == [5, 3, 3, 2, 2, 1]


def test_rests_remedies_leave_hard_prompts_in_the_data() -> None:
    groups = {"hard": [0.0, 0.1, 0.2, 0.3], "easy": [0.7, 0.8, 0.9, 1.0]}
    assert "hard" not in kept(rows_of(groups, accept="any", threshold=0.75))
    assert kept(rows_of(groups, accept="any", threshold=0.75, threshold_by="percentile")) == {"hard": [3], "easy": [3]}
    blend = rows_of(groups, accept="any", threshold=0.5, threshold_by="blend")  # 0.225 and 0.925
    assert kept(blend) == {"hard": [3], "easy": [3]}


def test_agreement_is_the_share_of_samples_with_the_same_answer() -> None:
    samples = [sample("p", i) for i in range(4)]
    verdicts = [verdict("p", i, 0.0, answer) for i, answer in enumerate(("7", " 7", "8", ""))]
    settings = MaterializeSettings(accept="any", reward="agreement", threshold=0.3)
    rows = select_examples([problem("p")], samples, verdicts, {"p": "question"}, settings)
    assert [(one.index, one.reward) for one in rows.examples] == [(0, 0.5), (1, 0.5)]


def test_dart_stops_exactly_at_its_target_and_says_who_fell_short() -> None:
    groups = {"easy": [1.0] * 10, "hard": [0.0] * 8 + [1.0, 1.0]}
    rows = rows_of(groups, target="uniform", cap=4, dedupe="none", first_wave=4)
    assert kept(rows) == {"easy": [0, 1, 2, 3], "hard": [8, 9]}
    assert (rows.stats.short, rows.stats.over_cap) == (1, 6)


def test_dart_wants_more_of_what_fails_more_and_at_least_one() -> None:
    groups = {"never fails": [1.0] * 12, "half": [1.0, 0.0] * 6, "three in four": [1.0, 0.0, 0.0, 0.0] * 3}
    rows = rows_of(groups, target="prop2diff", cap=4, dedupe="none", first_wave=4)
    assert {name: len(found) for name, found in kept(rows).items()} == {"never fails": 1, "half": 2, "three in four": 3}


def test_a_problem_is_sampled_on_until_its_own_target() -> None:
    problems = [problem("easy"), problem("hard")]
    rewards = {"easy": [1.0, 1.0, 1.0, 0.0], "hard": [1.0, 0.0, 0.0, 0.0]}
    samples = [sample(name, i) for name in rewards for i in range(4)]
    verdicts = [verdict(name, i, reward) for name, found in rewards.items() for i, reward in enumerate(found)]
    settings = MaterializeSettings(target="prop2diff", cap=8, dedupe="none")
    assert [p.id for p in remaining_problems(problems, samples, verdicts, settings, 4)] == ["hard"]  # wants 2, wants 6


def test_ssd_leaves_stubs_out() -> None:
    texts = ["", "pass", "def f():\n    return 1", "  \n\nx\n"]
    samples = [sample("p", i, text or " ") for i, text in enumerate(texts)]
    verdicts = [verdict("p", i, 0.0) for i in range(4)]
    settings = MaterializeSettings(accept="any", min_lines=2)
    assert [one.index for one in select_examples([problem("p")], samples, verdicts, {"p": "q"}, settings).examples] == [
        2
    ]


def human_rows(human: str, **knobs: object) -> list[tuple[int, str]]:
    samples = [sample("p", HUMAN, "by hand 1+1=3"), sample("p", 0, "by model"), sample("p", 1, "by hand 1+1=3")]
    verdicts = [verdict("p", one.index, 1.0) for one in samples]
    settings = MaterializeSettings(human=human, **knobs)  # type: ignore[arg-type]
    rows = select_examples([problem("p")], samples, verdicts, {"p": "q"}, settings).examples
    return [(one.index, one.completion) for one in rows]


def test_a_human_row_stands_first_or_last_beside_the_cap_and_is_no_duplicate() -> None:
    assert [index for index, _ in human_rows("first", cap=2)] == [HUMAN, 0, 1]
    assert [index for index, _ in human_rows("last", cap=2)] == [0, 1, HUMAN]


def test_human_rows_pass_the_filter_only_where_it_is_theirs_too() -> None:
    assert [index for index, _ in human_rows("first", equations="hold")] == [HUMAN, 0]
    assert [index for index, _ in human_rows("first", equations="hold", human_filter=True)] == [0]


def test_only_problems_without_an_accepted_sample_are_missed() -> None:
    problems = [problem("solved"), problem("missed")]
    samples = [sample(name, i) for name in ("solved", "missed") for i in range(2)]
    verdicts = [
        verdict("solved", 0, 0.0),
        verdict("solved", 1, 1.0),
        verdict("missed", 0, 0.0),
        verdict("missed", 1, 0.0),
    ]
    assert [p.id for p in unsolved_problems(problems, samples, verdicts, MaterializeSettings())] == ["missed"]
