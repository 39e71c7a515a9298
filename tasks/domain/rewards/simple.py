"""Two small rewards: `exact` for answers with one spelling, `accept_all` for benchmarks and control arms."""

from __future__ import annotations

from tasks.domain.rewards import register
from tasks.domain.rewards.base import Check, Decision, Executor, InlineExecutor, verdict_of
from tasks.domain.rewards.extraction import extract
from tasks.domain.schema import Kind, Label, Problem, Verdict
from tasks.domain.settings import VerifySettings


@register("exact")
class ExactReward:
    """The extracted answer equals the gold as a string, white space aside."""

    name = "exact"
    version = "16"
    kind: Kind = "math"

    def prepare(self, problem: Problem, text: str) -> Check:
        found = extract(text)
        gold = " ".join((problem.gold or "").split())
        if found is None:
            return Check(decided=Decision("unparseable", {"rule": "no_answer", "gold": gold}))
        answer = " ".join(found.answer.split())
        label: Label = "correct" if answer == gold else "wrong"
        return Check(decided=Decision(label, {"rule": "string", "gold": gold, "answer": answer, "found_by": found.tag}))

    def executor(self, settings: VerifySettings) -> Executor:
        return InlineExecutor(lambda payload: Decision("verifier_error", {"rule": "undecided"}))

    def judge(self, problem: Problem, result: Decision) -> Verdict:
        return verdict_of(problem, result)

    def gold_text(self, problem: Problem) -> str:
        return f"\\boxed{{{problem.gold}}}"


@register("accept_all")
class AcceptAllReward:
    """Everything is correct: a control arm, and the cheapest grader there can be."""

    name = "accept_all"
    version = "1"
    kind: Kind = "math"

    def prepare(self, problem: Problem, text: str) -> Check:
        return Check(decided=Decision("correct", {"rule": "accept_all"}))

    def executor(self, settings: VerifySettings) -> Executor:
        return InlineExecutor(lambda payload: Decision("correct", {"rule": "accept_all"}))

    def judge(self, problem: Problem, result: Decision) -> Verdict:
        return verdict_of(problem, result)

    def gold_text(self, problem: Problem) -> str:
        return problem.gold or ""
