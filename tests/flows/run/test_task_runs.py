"""However many problems there are, an iteration stays below 300 task runs: ranges grow instead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.loop.evaluation import Scoring, scored
from flows.loop.expectation import expectation
from flows.loop.reached import Reached
from flows.run.draws import RangeWork
from flows.run.preflight import workspace_of
from flows.run.run import Run, Stages
from tasks.data.problems import ProblemSets
from tasks.domain.schema import Policy, Problem
from tasks.store.ranges import RangeSamples
from tasks.store.slots import Slot
from tasks.store.stage import Stage
from tests.rig import small_config

POLICY = Policy("p", "/p")
ONE = Problem("1", "s", "train", "math", "q")


@dataclass(frozen=True)
class ManyProblems:
    """So many problems that are never looked at."""

    count: int

    def all(self) -> list[Problem]:
        return [ONE] * self.count


class Counting:
    """An executor that counts the task runs that would be, if no problem dropped out."""

    keeps_going = True

    def __init__(self) -> None:
        self.task_runs = 0

    def in_flight(self, stages: Stages, ranges: int) -> int:
        return 1

    def base(self, stages: Stages, base: Policy) -> Policy:
        return base

    def stage(self, stages: Stages, stage: Stage, job: Any) -> Any:
        self.task_runs += 1

    def range(self, stages: Stages, work: RangeWork, going: Any) -> RangeSamples:
        self.task_runs += 2 * len(work.draws.spans)
        some: Any = "samples"  # nobody reads them
        return RangeSamples(work.ids, (some,))


@pytest.mark.parametrize("problems", [10, 2_342, 100_000])
@pytest.mark.parametrize(("waves", "epochs"), [((32,), 1), ((16, 8, 8), 3), ((16, 16, 16, 16), 5), ((8,) * 8, 20)])
def test_an_iteration_has_at_most_300_task_runs(
    tmp_path: Path, problems: int, waves: tuple[int, ...], epochs: int
) -> None:
    config = small_config(tmp_path, tmp_path, generate={"waves": waves, "range_size": 8}, finetune={"epochs": epochs})
    many: Any = ManyProblems(problems)
    counting = Counting()
    run = Run(Stages(config, workspace_of(config), counting), ProblemSets(many, many, many), POLICY)
    expectation(run, Reached.at(POLICY), 1)
    for _ in range(epochs):
        scored(run, [Scoring(POLICY, Slot.of(1, "val"))], many, val=True)
    scored(run, [Scoring(POLICY, Slot.of(1, "test"))], many)
    materialize_and_finetune = 2
    assert counting.task_runs + materialize_and_finetune <= 300
