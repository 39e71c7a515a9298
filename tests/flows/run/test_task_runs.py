"""However many problems there are, an iteration stays below 300 task runs: ranges grow instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flows.loop.evaluation import scored
from flows.loop.expectation import expectation
from flows.run.run import Run
from tasks.data.problems import ProblemSets
from tasks.domain.schema import Policy, Problem
from tests.rig import small_config

POLICY = Policy("p", "/p")
ONE = Problem("1", "s", "train", "math", "q")


@dataclass(frozen=True)
class ManyProblems:
    """So many problems that are never looked at."""

    count: int

    def all(self) -> list[Problem]:
        return [ONE] * self.count


@dataclass(frozen=True)
class Counting(Run):
    """Counts the task runs that would be, if no problem dropped out."""

    counts: list[int] = field(default_factory=list, compare=False)

    def submit(self, stage: Any, job: Any) -> Any:
        self.counts.append(1)

    def result(self, future: Any) -> Any:
        return None

    def drive(self, pipelines: Any, in_flight: int) -> Any:
        self.counts.append(sum(2 * len(one.draws.spans) for one in pipelines))
        return []


@pytest.mark.parametrize("problems", [10, 2_342, 100_000])
@pytest.mark.parametrize(("waves", "epochs"), [((32,), 1), ((16, 8, 8), 3), ((16, 16, 16, 16), 5), ((8,) * 8, 20)])
def test_an_iteration_has_at_most_300_task_runs(
    tmp_path: Path, problems: int, waves: tuple[int, ...], epochs: int
) -> None:
    config = small_config(tmp_path, tmp_path, generate={"waves": waves, "range_size": 8}, finetune={"epochs": epochs})
    many: Any = ManyProblems(problems)
    run = Counting(config, None, ProblemSets(many, many, many), POLICY)  # type: ignore[arg-type]
    expectation(run, POLICY, 1)
    for _ in range(epochs):
        scored(run, POLICY, many, "val", val=True)
    scored(run, POLICY, many, "test")
    materialize_and_finetune = 2
    assert sum(run.counts) + materialize_and_finetune <= 300
