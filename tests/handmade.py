"""A small store made by the real stages called directly: recorded samples for the policies, made-up weights for the trainer.

What the flows, the store and the records do is real; only Prefect and the two engines that need minutes are left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from flows.config import RunConfig
from flows.loop.em import em_loop
from flows.run.draws import RangeWork
from flows.run.preflight import Checked, named_base, workspace_of
from flows.run.recorder import Recorder
from flows.run.run import Run, Stages
from flows.run.waves import walk
from tasks.data.problems import graded_sets, read_sets, store_sets
from tasks.domain.fingerprint import digest_of
from tasks.domain.run_result import RunResult
from tasks.domain.schema import Policy
from tasks.finetune import FinetuneJob
from tasks.store.artifacts import Manifest, digest_of_folder, key_of, new_attempt
from tasks.store.ranges import RangeSamples
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome, environment
from tests.rig import record, small_config, tiny_base


class Direct:
    """An executor that calls the stages, without Prefect."""

    keeps_going = False

    def in_flight(self, stages: Stages, ranges: int) -> int:
        return 1

    def base(self, stages: Stages, base: Policy) -> Policy:
        return base

    def stage(self, stages: Stages, stage: Stage, job: Any) -> Outcome:
        return made_up_training(job) if stage.name == "finetune" else stage.run(job)

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        return walk(stages, work, going)


def made_up_training(job: FinetuneJob) -> Outcome:
    """The artifact that `tasks.finetune` commits, with the start's files and one line that differs as weights."""
    recipe, store = job.recipe(), job.workspace.store
    found = job.workspace.find(recipe, job.slot)
    if found.manifest is not None:
        return Outcome(store.ref(found.manifest), cached=True)
    key, attempt = key_of(recipe), new_attempt()
    epochs, parts = [], []
    for number in range(1, job.settings.checkpoints + 1):
        folder = job.workspace.scratch_path / "made-up" / f"{key}-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text('{"model_type": "llama"}')
        (folder / "model.safetensors").write_bytes(f"{key} epoch {number}".encode() * 100)
        relative = f"finetune/{key}/{attempt}/epoch-{number}"
        epochs.append(
            {"epoch": number, "digest": digest_of_folder(folder), "path": relative, "train_loss": 1.0, "steps": 3}
        )
        parts += store.put_folder(relative, folder)
    meta = {
        "epochs": epochs, "start": asdict(job.start), "dataset": asdict(job.dataset), "environment": environment(),
        "seconds": 2.0, "optimizing_seconds": 1.0,
    }  # fmt: skip
    digest = digest_of([one["digest"] for one in epochs])
    made = store.commit(Manifest("finetune", key, recipe, attempt, digest, job.dataset.rows, parts, meta, time.time()))
    job.workspace.remember(recipe, job.slot)
    return Outcome(store.ref(made), False, found.why)


def make_store(folder: Path, **sections: dict[str, Any]) -> tuple[RunConfig, RunResult]:
    """A run of `rig.small_config` (its sections may be changed) in `folder/store`, with its result and page."""
    config = small_config(folder, tiny_base(folder / "base"), **sections)
    if not Path(str(config.engine.replay_path)).exists():
        record(config)
    return config, run_directly(config)


def made_up_base(folder: Path) -> Path:
    """A folder that looks like a model of six parameters; nothing here loads it."""
    folder.mkdir(exist_ok=True)
    for name in ("config.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    save_file({"weight": np.zeros((2, 3), dtype=np.float32)}, folder / "model.safetensors")
    return folder


def unlooked(config: RunConfig) -> Checked:
    """What the checks of a run read, without a look at the base: made-up weights have no tokenizer."""
    sets = graded_sets(read_sets(config.data), config.data, config.verify)
    workspace = workspace_of(config)
    return Checked(config, workspace, sets, named_base(config, workspace, fetch=True))


def run_directly(config: RunConfig) -> RunResult:
    """The loop of `flows.loop.em`."""
    checked = unlooked(config)
    assert checked.base is not None
    stages = Stages(checked.config, checked.workspace, Direct())
    run = Run(stages, store_sets(checked.workspace, checked.sets), checked.base)
    with Recorder(run) as record:
        return em_loop(run, record)
