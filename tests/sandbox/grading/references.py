"""Reference solutions of public code problems with their tests, as the loaders give them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.grading.grading import Program
from sandbox.grading.tests import read_tests
from sandbox.limits import Limits
from tasks.data.sources import load_problems
from tasks.domain.rewards.code import _tests, references_of
from tasks.domain.rewards.programs import complete
from tasks.domain.settings import SourceSettings
from tests.sandbox.grading.mutants import mutants


@dataclass(frozen=True)
class Reference:
    """One solution by people, put together with its problem's prompt. `number` counts the problem's solutions."""

    problem: str
    number: int
    source: str
    tests: str  # JSON

    def mutants(self, count: int) -> list[str]:
        """Changes of the solution, not of a prompt before it: tests use the prompt's helpers, never the program's."""
        prompt = str(_tests(self.tests).get("prompt") or "")
        return mutants(self.source, count, self.problem, prompt.count("\n") if self.source.startswith(prompt) else 0)

    def program(self, source: str | None = None, limits: Limits | None = None) -> Program:
        return Program((source or self.source).encode(), read_tests(self.tests), limits or Limits())


def root() -> Path:
    return Path(os.environ.get("RESTEM_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))


def available() -> bool:
    return (root() / "code").is_dir()


@cache
def references(kind: str, each: int = 1) -> list[Reference]:
    """The first `each` solutions of every problem of humaneval, mbpp or apps."""
    settings: dict[str, Any] = {"kind": kind, "path": str(root() / "code" / f"{kind}.jsonl")}
    problems = load_problems(SourceSettings.model_validate(settings), "train")
    return [
        Reference(problem.id, number, complete(source, _tests(problem.tests or "")), problem.tests or "")
        for problem in problems
        for number, source in enumerate(references_of(problem)[:each])
    ]
