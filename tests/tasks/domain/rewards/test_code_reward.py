"""The code reward's pure half: checks out of completions, references as gold, decisions and labels."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sandbox.grading.grading import Graded
from sandbox.status import Status
from tasks.domain.rewards import reward_named
from tasks.domain.rewards.code import CodeReward, references_of
from tasks.domain.schema import Problem
from tasks.domain.settings import CodeSettings, VerifySettings
from tasks.graders.programs import decision_of, program_of

STDIN = json.dumps({"inputs": ["1"], "outputs": ["2"]})
PROBLEM = Problem(
    "c/1", "table", "train", "code", "Q", tests=STDIN, meta={"solution": "print(2)", "solutions": ["print(1+1)"]}
)


def test_the_registry_knows_it() -> None:
    assert reward_named("code").kind == "code"


def test_a_completion_without_a_program_is_unparseable() -> None:
    check = CodeReward().prepare(PROBLEM, "  ")
    assert check.decided is not None and check.decided.label == "unparseable"


def test_equal_programs_are_one_check() -> None:
    reward = CodeReward()
    keys = {reward.prepare(PROBLEM, text).key for text in ("```python\nprint(2)\n```", "Well:\n```py\nprint(2)\n```")}
    assert len(keys) == 1
    assert reward.prepare(PROBLEM, "```python\nprint(3)\n```").key not in keys
    other = replace(PROBLEM, tests=json.dumps({"inputs": ["1"], "outputs": ["3"]}))
    assert reward.prepare(other, "```python\nprint(2)\n```").key not in keys


def test_the_gold_is_every_reference_in_turn() -> None:
    assert references_of(PROBLEM) == ["print(2)", "print(1+1)"]
    payload = CodeReward().prepare_gold(PROBLEM).payload
    assert (payload["source"], payload["others"]) == ("print(2)", ["print(1+1)"])


def test_a_problem_without_reference_is_taken_on_trust() -> None:
    decided = CodeReward().prepare_gold(replace(PROBLEM, meta={})).decided
    assert decided is not None and decided.evidence == {"rule": "no_reference"}


@pytest.mark.parametrize(
    ("verdict", "label"),
    [
        ("AC", "correct"), ("WA", "wrong"), ("RE", "wrong"), ("CE", "wrong"), ("TLE", "timeout"), ("IDLE", "timeout"),
        ("MLE", "wrong"), ("OLE", "wrong"), ("SECURITY", "wrong"), ("HOSTILE", "wrong"), ("INFRA", "verifier_error"),
    ],
)  # fmt: skip
def test_every_verdict_has_its_label(verdict: str, label: str) -> None:
    assert {str(one) for one in Status} >= {verdict}
    assert decision_of(Graded(Status(verdict), 3, 1, 2, "why")).label == label


def test_every_verdict_is_mapped() -> None:
    assert {decision_of(Graded(one, 3, 1, 2)).label for one in Status} == {
        "correct",
        "wrong",
        "timeout",
        "verifier_error",
    }


def test_prose_that_does_not_compile_is_no_program() -> None:
    assert decision_of(Graded(Status.CE, 1, 0, 1), prose=True).label == "unparseable"
    assert decision_of(Graded(Status.WA, 1, 0, 1), prose=True).label == "wrong"


def test_evidence_holds_no_times() -> None:
    graded = Graded(Status.WA, 3, 1, 2, "another output", 1.23, 4.56, 78.9, 1)
    assert decision_of(graded).evidence == {
        "rule": "tests", "verdict": "WA", "tests": 3, "passed": 1, "failed": 2, "detail": "another output",
    }  # fmt: skip
    assert decision_of(graded).seconds == 4.56


def test_a_graded_reward_is_the_share_of_tests_passed() -> None:
    half = Graded(Status.WA, 4, 2, 3)
    assert decision_of(half, graded_reward=True).reward == 0.5
    assert decision_of(half).reward is None
    assert decision_of(Graded(Status.INFRA, 4, 2, 3), graded_reward=True).reward is None
    assert program_of("x", (), CodeSettings(graded=True)).run_all


def test_hidden_tests_are_evidence_and_do_not_change_the_label() -> None:
    accepted = Graded(Status.AC, 2, 2)
    assert decision_of(accepted, Graded(Status.WA, 1, 0, 1)).evidence["hidden"] == "failed"
    assert decision_of(accepted, Graded(Status.WA, 1, 0, 1)).label == "correct"
    assert decision_of(accepted, accepted).evidence["hidden"] == "passed"
    assert "hidden" not in decision_of(accepted, Graded(Status.INFRA, 1, 0, 1)).evidence


def test_limits_are_content_only_where_programs_run() -> None:
    assert "code" not in VerifySettings().content()
    assert VerifySettings(reward="code").content()["code"]["cpu_seconds"] == 4.0
    assert "sandbox" not in VerifySettings(reward="code").content()
