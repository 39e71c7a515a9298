"""A run that never happened, as real as its statistics: simulated policies scored by the real code."""

from __future__ import annotations

import random
from functools import lru_cache

from tasks.domain.comparison import compare
from tasks.domain.run_result import EpochScore, IterationResult, PolicyScore, RunResult, Tally
from tasks.domain.schema import Policy, Problem, Sample, Verdict
from tasks.domain.scoring import score
from tasks.domain.selection import SelectionStats
from tasks.domain.settings import EvaluateSettings
from tasks.domain.statistics import Interval, bootstrap_mean, wilson

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202e ]]> --> </pre> $title ${x} \\boxed{7}"
SETTINGS = EvaluateSettings(samples=16, k=(1, 2, 4, 8, 16), bootstrap=300)


def problem_set(n: int = 120) -> list[Problem]:
    return [
        Problem(
            f"test-{i:03d}",
            "arithmetic",
            "test",
            "math",
            f"What is {i} + {i + 7} - 3?",
            str(2 * i + 4),
            level=f"Level {1 + i % 5}",
        )
        for i in range(n)
    ]


def draws(problems: list[Problem], skill: float, n: int, seed: str, greedy: bool) -> tuple[list[Sample], list[Verdict]]:
    """Higher levels are harder; some outputs have no answer, few graders fail."""
    rng = random.Random(seed)
    samples, verdicts = [], []
    for place, problem in enumerate(problems):
        ease = random.Random(problem.id).random() * 0.8 + 0.3 - 0.12 * (place % 5)
        p = min(0.97, max(0.02, ease * skill + (0.15 if greedy else 0)))
        for index in range(n):
            roll, answer = rng.random(), problem.gold
            label = (
                "correct"
                if roll < p
                else rng.choices(["wrong", "unparseable", "timeout", "verifier_error"], [80, 14, 4, 1])[0]
            )
            if label != "correct":
                answer = str(2 * place + rng.randrange(1, 4))
            text = (
                f"{problem.question}\nWe add and take away.\nThe answer is {answer}."
                if label in ("correct", "wrong")
                else HOSTILE
            )
            finish = "length" if label == "unparseable" and roll < 0.9 else "stop"
            samples.append(
                Sample(
                    problem.id, "", index, text, finish, None, 24, rng.randrange(20, 90), "p", f"policy-{skill}", "s"
                )
            )
            reward = {"correct": 1.0, "verifier_error": None}.get(label, 0.0)
            evidence = {"rule": "symbolic", "gold": problem.gold} | (
                {"answer": answer} if label in ("correct", "wrong") else {}
            )
            verdicts.append(Verdict(problem.id, index, label, reward, evidence))
    return samples, verdicts


def policy_score(skill: float, name: str, n: int = 120) -> PolicyScore:
    problems = problem_set(n)
    greedy, sampled = draws(problems, skill, 1, f"g{skill}", True), draws(problems, skill, 16, f"s{skill}", False)
    return score(problems, *greedy, *sampled, SETTINGS, Policy(f"policy-{skill}", f"store/{name}", name))


def iteration(number: int, skill: float, test: PolicyScore) -> IterationResult:
    rng = random.Random(number)
    rewards = [skill * share for share in (0.92, 1.0, 0.97)]
    histogram = {rows: rng.randrange(5, 40) + (60 if rows == 10 else 0) for rows in range(11)}
    kept = sum(rows * count for rows, count in histogram.items())
    return IterationResult(
        number,
        test.policy_digest,
        wilson(300 + 20 * number, 400),
        bootstrap_mean([skill - 0.08 + 0.2 * (rng.random() - 0.5) for _ in range(400)], 300),
        400,
        320 + 15 * number,
        Tally(9600, {"correct": 5200, "wrong": 3800, "unparseable": 590, "verifier_error": 10}, 140, 230_000, 610_000),
        SelectionStats(problems=400, samples=9600, kept=kept, rows_per_problem=histogram),
        tuple(EpochScore(e, Interval(r, r - 0.05, r + 0.05), e == 2, 0.5 / e, f"d{e}") for e, r in enumerate(rewards, start=1)),
        Interval(rewards[1], rewards[1] - 0.05, rewards[1] + 0.05),
        test,
        {"E-step": 130.0 - 9 * number, "materialize": 2.4, "M-step": 74.0, "evaluate": 31.5},
        {"E-step": number == 1, "materialize": False, "M-step": False, "evaluate": False},
        {"dataset": f"s3://bucket/store/materialize/0123456789abcd0{number}", "policy": "store/finetune/aa_bb|cc"},
        {"training log": "https://user:secret@logs.example/run?a=1&b=2"},
    )  # fmt: skip


@lru_cache(maxsize=64)  # scoring it takes a second, and nobody changes a frozen record
def made_up_run(skills: tuple[float, ...] = (0.45, 0.62, 0.68, 0.7), status: str = "completed") -> RunResult:
    scores = [policy_score(skill, f"iteration {i}" if i else "base") for i, skill in enumerate(skills)]
    base = IterationResult(0, "policy-base", test=scores[0], seconds={"evaluate": 33.0})
    rows = tuple(iteration(i, skills[i], scores[i]) for i in range(1, len(skills)))
    differences = tuple(d for i, s in enumerate(scores[1:], start=1) for d in compare(s, scores[0], i, 300))
    return RunResult(
        "made-up",
        {"run": {"name": "made-up", "store": "s3://key:secret@host/bucket"}, "loop": {"iterations": len(skills) - 1}},
        base,
        rows,
        status,
        "2025-06-01T02:00:00+00:00",
        "2025-06-01T02:21:00+00:00",
        "0123456789abcdef0123",
        "Some processor, 2 cores, 24 GiB",
        {"python": "3.11", "torch": "2.13", "vllm": "0.32"},
        differences,
        ("2 train problems left out, their gold fails its own grader: a, b",),
    )
