"""Math rewards: find the final answer of a completion, then decide whether it equals the gold."""

from __future__ import annotations

from tasks.domain.rewards.base import Check, Decision, Executor, verdict_of
from tasks.domain.rewards.extraction import extract
from tasks.domain.rewards.pool import WorkerPool
from tasks.domain.schema import Kind, Problem, Verdict
from tasks.domain.settings import VerifySettings


class MathReward:
    """Correct when the extracted answer is equivalent to the gold; unparseable when there is no answer."""

    name = "math"
    version = "1"
    kind: Kind = "math"

    def prepare(self, problem: Problem, text: str) -> Check:
        gold = problem.gold or ""
        found = extract(text)
        if found is None:
            return Check(decided=Decision("unparseable", {"rule": "no_answer", "gold": gold}))
        evidence = {"gold": gold, "answer": found.answer, "found_by": found.tag}
        if gold.strip() and found.answer.strip() == gold.strip():
            return Check(decided=Decision("correct", {"rule": "string"}), evidence=evidence)
        return Check(payload=[gold, found.answer], key=f"{gold}\0{found.answer}", evidence=evidence)

    def executor(self, settings: VerifySettings) -> Executor:
        function = "tasks.domain.rewards.symbolic:decide"
        return WorkerPool(function, settings.workers, settings.timeout_s, settings.memory_mb)

    def judge(self, problem: Problem, result: Decision) -> Verdict:
        return verdict_of(problem, result)

    def gold_text(self, problem: Problem) -> str:
        return f"\\boxed{{{problem.gold or ''}}}"
