"""One grader for verify and evaluate: order, sharing, the memo, gold checks, and the registry of rewards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.domain.errors import UserError
from tasks.domain.rewards import known_rewards, register, reward_named
from tasks.domain.rewards.base import Check, Decision
from tasks.domain.rewards.grader import BadGold, Grader, grader_for
from tasks.domain.schema import Problem, Sample
from tasks.domain.settings import VerifySettings


def problem(name: str, gold: str) -> Problem:
    return Problem(id=name, source="test", split="train", kind="math", question="?", gold=gold)


def sample(of: Problem, index: int, text: str) -> Sample:
    return Sample(of.id, "", index, text, "stop", None, 1, 1, "p", "q", "s")


class CountingExecutor:
    """Says correct to everything and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def run_many(self, checks: Sequence[Check]) -> list[Decision]:
        self.asked += [check.key for check in checks]
        return [Decision("correct", {"rule": "counting"}, seconds=1.0) for _ in checks]

    def close(self) -> None:
        """Nothing to free."""


def test_verdicts_come_in_order_with_their_indices() -> None:
    one, two = problem("one", "1"), problem("two", "2")
    pairs = [(one, sample(one, 4, r"\boxed{1}")), (two, sample(two, 7, r"\boxed{3}")), (two, sample(two, 8, "no idea"))]
    verdicts = grader_for(VerifySettings(reward="exact")).grade_many(pairs)
    assert [(v.problem_id, v.index, v.label, v.reward) for v in verdicts] == [
        ("one", 4, "correct", 1.0),
        ("two", 7, "wrong", 0.0),
        ("two", 8, "unparseable", 0.0),
    ]


def test_equal_answers_are_decided_once_within_and_across_calls() -> None:
    executor = CountingExecutor()
    grader = Grader(VerifySettings(), executor)
    texts = [rf"\boxed{{x+{n % 3}}}" for n in range(30)]
    for _ in range(2):
        graded = grader.grade_texts([(problem("p", "x^2+1"), text) for text in texts])
        assert [g.verdict.label for g in graded] == ["correct"] * 30
    assert len(executor.asked) == 3


def test_evidence_is_the_same_with_and_without_the_memo() -> None:
    grader = Grader(VerifySettings(), CountingExecutor())
    first, second = (grader.grade(problem("p", "x^2+1"), r"\boxed{x+2}") for _ in range(2))
    assert first == second
    assert json.loads(json.dumps(first.evidence)) == first.evidence
    assert "seconds" not in first.evidence


def test_a_grader_is_shared_between_threads() -> None:
    settings = VerifySettings(reward="exact")
    with ThreadPoolExecutor(4) as threads:
        graders = set(threads.map(lambda _: grader_for(settings), range(16)))
    assert len(graders) == 1


def test_gold_that_fails_its_own_grader_is_named() -> None:
    grader = grader_for(VerifySettings(reward="exact"))
    assert grader.check_gold([problem("good", "5"), problem("bad", "}{")]) == [
        BadGold("bad", "graded unparseable against itself (no_answer)")
    ]


@pytest.mark.parametrize(
    "gold", ["5", r"\frac{1}{2}", "east", r"\text{(C)}", "9 a.m.", "x \\in [0,1)", r"\$7.50", "no solution"]
)
def test_sound_golds_pass(gold: str) -> None:
    assert grader_for(VerifySettings()).check_gold([problem("p", gold)]) == []


@pytest.mark.parametrize("gold", ["", "  ", r"\frac{1", r"(2, \frac{", r"\begin{pmatrix} 1 \\", "(1,2", "9" * 5000])
def test_golds_that_do_not_parse_are_named(gold: str) -> None:
    (bad,) = grader_for(VerifySettings()).check_gold([problem("p", gold)])
    assert bad.problem_id == "p"


def test_accept_all_accepts_all() -> None:
    verdict = grader_for(VerifySettings(reward="accept_all")).grade(problem("p", "5"), "")
    assert (verdict.label, verdict.reward) == ("correct", 1.0)


def ends_with_gold(problem: Problem, text: str) -> bool:
    return text.endswith(problem.gold or "")


def test_a_new_reward_is_one_function() -> None:
    register("ends_with_gold")(ends_with_gold)
    for name in ("ends_with_gold", f"{__name__}:ends_with_gold"):
        grader = Grader(VerifySettings(reward=name))
        assert grader.grade(problem("p", "5"), "it is 5").label == "correct"
        assert grader.grade(problem("p", "5"), "it is 6").label == "wrong"
        assert grader.version.startswith(name)
    assert "ends_with_gold" in known_rewards()


@pytest.mark.parametrize("name", ["mth", "no.such.module:thing", "tasks.domain.rewards.simple:Nothing"])
def test_unknown_reward_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UserError, match=r"accept_all, .*code, .*exact, .*math"):
        reward_named(name)
