"""Golds that a grader has judged are not graded again, unless something that decides has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.data.known_golds import KnownGolds
from tasks.domain.rewards.base import Check, Decision
from tasks.domain.rewards.grader import Grader
from tasks.domain.schema import Label, Problem
from tasks.domain.settings import VerifySettings

PROBLEMS = [Problem(str(n), "test", "train", "math", f"question {n}", gold=f"x+{n}") for n in range(4)]


class Saying:
    """An executor that gives every gold but the first this label, and counts what it is asked."""

    def __init__(self, label: Label) -> None:
        self.label, self.asked = label, 0

    def run_many(self, checks: Sequence[Check]) -> list[Decision]:
        self.asked += len(checks)
        return [Decision("correct" if "x+0" in repr(check.payload) else self.label) for check in checks]

    def close(self) -> None:
        """Nothing to free."""


def graded(folder: Path | None, label: Label, problems: list[Problem], writes: bool = True, **settings: object) -> int:
    """How many golds a grader of a new process is asked; the answers must not depend on the memory."""
    executor = Saying(label)
    grader = Grader(VerifySettings.model_validate(settings), executor)
    known = KnownGolds(folder, writes)
    found = known.bad(grader, problems)
    known.remember(grader, problems, found)
    assert found == Grader(VerifySettings.model_validate(settings), Saying(label)).check_gold(problems)
    return executor.asked


@pytest.mark.parametrize("label", ["correct", "wrong", "unparseable"])
def test_a_second_look_asks_nothing(tmp_path: Path, label: Label) -> None:
    assert [graded(tmp_path, label, PROBLEMS) for _ in range(2)] == [4, 0]


@pytest.mark.parametrize("label", ["timeout", "verifier_error"])
def test_what_may_come_out_otherwise_is_asked_again(tmp_path: Path, label: Label) -> None:
    assert [graded(tmp_path, label, PROBLEMS) for _ in range(2)] == [4, 4]


def test_whatever_can_change_the_answer_is_asked_again(tmp_path: Path) -> None:
    graded(tmp_path, "correct", PROBLEMS)
    changed = [*PROBLEMS[:3], replace(PROBLEMS[3], gold="x-3")]
    assert graded(tmp_path, "correct", changed) == 4
    assert graded(tmp_path, "correct", PROBLEMS[:3]) == 3
    assert graded(tmp_path, "correct", PROBLEMS, timeout_s=1.0) == 4


def test_who_only_looks_remembers_nothing(tmp_path: Path) -> None:
    assert [graded(tmp_path / "golds", "correct", PROBLEMS, writes=False) for _ in range(2)] == [4, 4]
    assert not (tmp_path / "golds").exists()


def test_without_a_folder_everything_is_asked() -> None:
    assert [graded(None, "correct", PROBLEMS) for _ in range(2)] == [4, 4]
