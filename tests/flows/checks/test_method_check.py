"""What a method asks for and a config, its problems or its model cannot give is said in a sentence before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.checks.method_check import check_method, warnings
from flows.config import make_config
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy, Problem

BARE = Problem("p", "made up", "train", "math", "1+1=?", gold="2")
CODE = Problem("c", "made up", "train", "code", "write it", tests="{}")


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"materialize": {"choose": "reward"}}, "looks at all samples of a problem; draw them in one wave"),
        ({"materialize": {"threshold": 0.5, "threshold_by": "percentile"}}, "draw them in one wave"),
        ({"materialize": {"target": "uniform", "cap": 40}}, "a target that cannot be reached: .* at most 32"),
        ({"materialize": {"target": "prop2diff"}, "generate": {"waves": [32]}}, "name at least two"),
        ({"loop": {"steps_factor": 1.2}}, "change finetune.steps, which is not set"),
        ({"loop": {"thresholds": [0.9, 0.7]}}, "0.7 follows 0.9; name each once, in rising order"),
        ({"loop": {"thresholds": [0.0, 0.7, 0.7]}}, "0.7 follows 0.7; name each once, in rising order"),
        ({"loop": {"thresholds": [0.0, 0.7], "improve": 3}}, "names 2 and each grown set serves loop.improve = 3 rounds"),
        ({"loop": {"thresholds": [0.0, 0.7, 0.9], "improve": 2, "iterations": 4}}, "one threshold for each of them, or one for all"),
        ({"loop": {"improve": 2}}, "make iterations a multiple of it"),
        ({"run": {"preset": "distill"}}, "teacher.policy is empty"),
        ({"loop": {"sampler": "teacher"}, "teacher": {"engine": {"kind": "openai"}}}, "teacher.engine.urls or"),
        ({"materialize": {"human": "only"}, "loop": {"hint": "answer"}}, "have nothing to work on"),
        ({"materialize": {"reward": "agreement"}, "generate": {"waves": [16]}, "verify": {"reward": "code"}}, "programs have none"),
        ({"materialize": {"accept": "permuted", "threshold": 0.5}}, "leave the threshold out"),
    ],
)  # fmt: skip
def test_contradicting_settings_are_refused(tree: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make_config(tree)


def test_training_on_people_needs_their_solutions() -> None:
    for preset in ("sft_human", "rft", "rest"):
        with pytest.raises(UserError, match="solutions by people, but none of the 1 train problems"):
            check_method(make_config({"run": {"preset": preset}}), [BARE], None)


def test_a_hint_must_be_there_to_be_told() -> None:
    star = make_config({"run": {"preset": "star"}})
    check_method(star, [BARE], None)
    with pytest.raises(UserError, match="1 of 2 train problems have no answer to tell"):
        check_method(star, [BARE, CODE], None)


def said(tree: dict[str, Any], base: Policy | None = None) -> str:
    return " | ".join(warnings(make_config(tree), base))


def test_thresholds_under_a_reward_of_0_or_1_are_said_to_be_one() -> None:
    assert "every threshold above 0 accepts the same samples" in said({"run": {"preset": "rest"}})
    graded: list[dict[str, Any]] = [
        {"materialize": {"reward": "agreement"}},
        {"verify": {"reward": "code", "code": {"graded": True}}},
        {"verify": {"reward": "weighted_sum", "parts": ["math", "exact"]}},
    ]
    for tree in graded:
        assert not said({"run": {"preset": "rest"}, **tree})


def test_a_hint_for_a_thinking_model_is_warned_of_with_the_reason(tmp_path: Path) -> None:
    base = Policy("d", str(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    assert "17 %" not in said({"run": {"preset": "star"}}, base)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "<think>{{ messages }}"}))
    assert "17 % (arXiv 2607.05184)" in said({"run": {"preset": "star"}}, base)
    assert not said({"run": {"preset": "rest_em"}}, base)


def test_the_seed_is_said_to_choose_where_rewards_cannot() -> None:
    tree = {"materialize": {"choose": "reward"}, "generate": {"waves": [16]}}
    assert "the seed chooses" in said(tree)
    assert "whose samples all have reward 0 gives no row" in said({"run": {"preset": "raft"}})
    assert not said({"run": {"preset": "raft"}, "verify": {"reward": "code", "code": {"graded": True}}})
