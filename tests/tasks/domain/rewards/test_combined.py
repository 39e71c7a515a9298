"""Several rewards as one decide as their parts do, ask no part in vain, and keep all evidence."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from flows.config import make_config
from tasks.domain.errors import UserError
from tasks.domain.rewards import register
from tasks.domain.rewards.base import Check, Decision, Executor, Grades, InlineExecutor, verdict_of
from tasks.domain.rewards.combined import CombinedReward
from tasks.domain.rewards.grader import Grader
from tasks.domain.schema import Label, Problem, Verdict
from tasks.domain.settings import VerifySettings

SAID: dict[str, Decision] = {
    "yes": Decision("correct"), "no": Decision("wrong"), "half": Decision("wrong", {"seen": 1}, 0.5),
    "late": Decision("timeout"), "fault": Decision("verifier_error"),
}  # fmt: skip


class Part:
    """Decides as the word says that stands at its place in the text."""

    kind: Grades = "any"
    version = "1"

    def __init__(self, place: int) -> None:
        self.name, self.place, self.asked = f"part{place}", place, 0

    def prepare(self, problem: Problem, text: str) -> Check:
        return Check(text.split()[self.place], key=f"{self.place} {text}")

    def executor(self, settings: VerifySettings) -> Executor:
        return InlineExecutor(self._decide)

    def _decide(self, word: str) -> Decision:
        self.asked += 1
        return SAID[word]

    def judge(self, problem: Problem, result: Decision) -> Verdict:
        return verdict_of(problem, result)

    def gold_text(self, problem: Problem) -> str:
        return problem.gold or ""


PROBLEM = Problem("p", "test", "train", "math", "?", gold="yes yes")


def verdict(name: str, text: str, weights: Sequence[float] = (), threshold: float = 1.0) -> Verdict:
    whole = CombinedReward(name, {"a": Part(0), "b": Part(1)}, weights)
    register("combined of a test")(whole)
    return Grader(VerifySettings(reward="combined of a test", threshold=threshold)).grade(PROBLEM, text)


@pytest.mark.parametrize("words", list(itertools.product(SAID, repeat=2)))
def test_all_of_is_correct_only_when_every_part_is(words: tuple[str, str]) -> None:
    found = verdict("all_of", " ".join(words))
    labels = {SAID[word].label for word in words}
    if labels == {"correct"}:
        expected: Label = "correct"
    else:  # a refusal is certain whatever a part that could not decide would have said
        refused = [SAID[word].label for word in words if SAID[word].label not in ("correct", "verifier_error")]
        expected = refused[0] if refused else "verifier_error"
    assert found.label == expected
    assert (found.reward is None) == (expected == "verifier_error")


def test_a_part_is_not_asked_about_what_was_refused() -> None:
    parts = {"a": Part(0), "b": Part(1)}
    register("asked of a test")(CombinedReward("all_of", parts))
    grader = Grader(VerifySettings(reward="asked of a test"))
    grader.grade_texts([(PROBLEM, text) for text in ("no yes", "yes yes", "yes yes", "late yes", "half yes")])
    assert (parts["a"].asked, parts["b"].asked) == (4, 2)


@pytest.mark.parametrize(
    ("text", "weights", "reward"),
    [("yes no", (), 0.5), ("yes no", (3, 1), 0.75), ("half half", (1, 5), 0.5), ("yes yes", (0.1, 0.2), 1.0), ("yes fault", (), None)],
)  # fmt: skip
def test_a_weighted_sum_is_the_mean_of_its_parts(text: str, weights: Sequence[float], reward: float | None) -> None:
    found = verdict("weighted_sum", text, weights, threshold=0.7)
    assert found.reward == pytest.approx(reward)
    assert found.label == (
        "verifier_error"
        if reward is None
        else "correct"
        if reward >= 0.7
        else "wrong"
        if "no" in text or "half" in text
        else ""
    )


def test_the_evidence_tells_what_every_part_said() -> None:
    evidence = verdict("all_of", "yes half").evidence
    assert evidence["rule"] == "all_of" and evidence["seen"] == 1
    assert {name: part["label"] for name, part in evidence["parts"].items()} == {"a": "correct", "b": "wrong"}


def test_golds_pass_every_part() -> None:
    register("golds of a test")(CombinedReward("all_of", {"a": Part(0), "b": Part(1)}))
    grader = Grader(VerifySettings(reward="golds of a test"))
    assert grader.check_gold([PROBLEM]) == []
    assert len(grader.check_gold([Problem("q", "test", "train", "math", "?", gold="yes no")])) == 1


def test_a_config_names_the_parts() -> None:
    grader = Grader(VerifySettings(reward="all_of", parts=("math", "exact"), workers=1))
    texts = [r"\boxed{0.5}", r"\boxed{\frac12}", r"\boxed{2}"]
    problem = Problem("p", "test", "train", "math", "?", gold=r"\frac12")
    assert [one.verdict.label for one in grader.grade_texts([(problem, text) for text in texts])] == [
        "wrong",
        "correct",
        "wrong",
    ]
    assert grader.version.startswith("all_of-1:math-")
    grader.close()


@pytest.mark.parametrize(
    "verify",
    [
        {"reward": "all_of"},
        {"reward": "math", "parts": ["math"]},
        {"reward": "all_of", "parts": ["math", "math"]},
        {"reward": "all_of", "parts": ["weighted_sum"]},
        {"reward": "all_of", "parts": ["math"], "weights": [1.0]},
        {"reward": "weighted_sum", "parts": ["math", "exact"], "weights": [1.0]},
        {"reward": "weighted_sum", "parts": ["math"], "weights": [0.0]},
    ],
)
def test_parts_that_make_no_whole_are_refused(verify: dict[str, object]) -> None:
    with pytest.raises(UserError, match="verify"):
        make_config({"verify": verify})


def test_settings_that_say_nothing_new_keep_their_key() -> None:
    assert set(VerifySettings().content()) == {"reward", "timeout_s", "memory_mb"}
    assert VerifySettings(threshold=0.5, folder="x").content() == VerifySettings().content() | {"threshold": 0.5}
