"""What orchestration costs: a run's wall time less the time in which some stage worked, and its task runs.

Samples are recorded, so that stages are short and the rest is seen. Stages overlap: the time in which at least one works is the
union of the spans that their manifests note. Target: at most 5 s an iteration and 20 ms a task run; at most 300 task runs an iteration.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flows.loop.em import em_loop
from flows.operation.flow_run import RUNNER
from flows.operation.server.api import prefect_api
from flows.operation.shown import publish_artifacts
from flows.run.inline import Inline
from flows.run.preflight import open_run, preflight, workspace_of
from flows.run.recorder import Recorder
from flows.run.run import Stages
from tasks.store.artifacts import Store
from tasks.store.stage import Job, Stage
from tasks.store.workspace import Outcome
from tests.rig import manifests, record, small_config, tiny_base

STAGES = ("generate", "verify", "materialize", "finetune", "evaluate")
ITERATIONS = 3
LIMIT_S, PER_TASK_RUN_S = 5.0, 0.020


def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, prefect_api(Path(name) / "prefect"):
        folder = Path(name)
        config = small_config(
            folder, tiny_base(folder / "base"),
            data={"train": {"split": "train", "limit": 400}, "val": {"split": "val", "limit": 60}, "test": {"split": "test", "limit": 100}},
            generate={"waves": (4, 4, 4), "max_tokens": 64, "range_size": 15}, loop={"iterations": ITERATIONS},
            finetune={"epochs": 3, "learning_rate": 1e-3, "max_length": 128, "batch_size": 64},
        )  # fmt: skip
        record(config)
        return measure(config)


class Counting(Inline):
    """An executor that counts its task runs."""

    def __init__(self) -> None:
        super().__init__()
        self.task_runs = 0

    def stage(self, stages: Stages, stage: Stage, job: Job) -> Outcome:
        self.task_runs += 1
        return super().stage(stages, stage, job)


def measure(config: Any) -> dict[str, Any]:
    counting = Counting()

    def body(config: Any) -> None:
        with open_run(preflight(config), counting) as run, Recorder(run, publish_artifacts) as record:
            em_loop(run, record)

    started = time.time()
    _as_flow(body)(config)
    ended = time.time()
    worked = covered(spans(workspace_of(config).store), started, ended)
    runs = counting.task_runs
    left = ended - started - worked
    allowed = LIMIT_S * ITERATIONS + PER_TASK_RUN_S * runs
    return {
        "wall_s": round(ended - started, 2), "stages_s": round(worked, 2), "orchestration_s": round(left, 2),
        "task_runs": runs, "task_runs_an_iteration": round(runs / ITERATIONS, 1), "allowed_s": round(allowed, 2),
        "s_an_iteration_beside_20ms_a_task_run": round((left - PER_TASK_RUN_S * runs) / ITERATIONS, 2), "met": left <= allowed,
    }  # fmt: skip


def _as_flow(body: Any) -> Any:
    from prefect import flow

    return flow(
        body,
        name="bench-orchestration",
        persist_result=False,
        task_runner=RUNNER,
        validate_parameters=False,
    )


def spans(store: Store) -> Iterable[tuple[float, float]]:
    """When each stage worked."""
    for stage in STAGES:
        for one in manifests(store, stage).values():
            yield one["created"] - one["meta"]["seconds"], one["created"]


def covered(spans: Iterable[tuple[float, float]], first: float, last: float) -> float:
    """Seconds of [first, last] in which at least one span lies."""
    total, until = 0.0, first
    for start, end in sorted(spans):
        total += max(0.0, min(end, last) - max(start, until))
        until = max(until, end)
    return total
