"""Answers made to hang or crash a grader come back in time, and honest ones between them are graded right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.domain.rewards.grader import Grader
from tasks.domain.schema import Problem
from tasks.domain.settings import VerifySettings
from tasks.graders.answers import WorkerPool
from tests.tasks.domain.rewards.hostile_answers import HOSTILE

SETTINGS = VerifySettings(workers=2, timeout_s=5.0, memory_mb=1024)
HONEST = Problem("honest", "", "test", "math", "", gold=r"\frac{\sqrt{3}}{3}")
TARGET = Problem("target", "", "test", "math", "", gold="x^2+3")


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    grader = Grader(SETTINGS)
    yield grader
    grader.close()


def resident_mb(grader: Grader) -> float:
    """Resident memory of all workers, MB."""
    assert isinstance(grader.executor, WorkerPool)
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in grader.executor.worker_pids()]
    return sum(pages) * 4096 / 1e6


@pytest.mark.alone
def test_a_hundred_hostile_answers_in_a_row(grader: Grader) -> None:
    assert len(HOSTILE) >= 100
    grader.grade_texts([(HONEST, rf"\boxed{{\frac{{{n}}}{{\sqrt3}}}}") for n in range(20)])
    before = resident_mb(grader)
    for number, answer in enumerate(HOSTILE):
        started = time.monotonic()
        verdict = grader.grade(TARGET, rf"\boxed{{{answer}}}")
        assert time.monotonic() - started < SETTINGS.timeout_s + 1  # none takes more than 0.2 s on an idle machine
        assert verdict.label in ("wrong", "unparseable"), answer[:100]
        honest = grader.grade(HONEST, rf"\boxed{{\frac{{{number + 2}}}{{{number + 2}\sqrt{{3}}}}}}")
        assert honest.label == "correct"
    assert isinstance(grader.executor, WorkerPool)
    assert grader.executor.slots_alive() == 2
    assert resident_mb(grader) < before + 100


def test_hostile_golds_are_named_not_fatal(grader: Grader) -> None:
    problems = [Problem(str(n), "", "train", "math", "", gold=gold) for n, gold in enumerate(HOSTILE)]
    bad = grader.check_gold(problems)
    assert {one.problem_id for one in bad} <= {problem.id for problem in problems}


@pytest.mark.alone
def test_many_hostile_answers_at_once(grader: Grader) -> None:
    started = time.monotonic()
    graded = grader.grade_texts([(TARGET, answer) for answer in HOSTILE])
    assert "verifier_error" not in {one.verdict.label for one in graded}
    assert time.monotonic() - started < len(HOSTILE) * (SETTINGS.timeout_s + 1) / 2
