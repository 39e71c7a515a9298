"""A small store made by the real stages called directly: recorded samples for the policies, made-up weights for the trainer.

What the flows, the store and the records do is real; only Prefect and the two engines that need minutes are left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from flows.config import RunConfig
from flows.loop.em import dataset_job
from flows.loop.evaluation import evaluate_policy
from flows.loop.expectation import expectation
from flows.loop.maximization import maximization
from flows.run.preflight import given_base, workspace_of
from flows.run.recorder import Record
from flows.run.run import Pipeline, Run
from tasks import evaluate, generate, materialize, verify
from tasks.data.problems import publish
from tasks.domain.fingerprint import digest_of
from tasks.domain.results import RunResult
from tasks.finetune import FinetuneJob
from tasks.store.artifacts import Manifest, digest_of_folder, key_of, new_attempt
from tasks.store.ranges import RangeSamples
from tasks.store.workspace import Outcome, environment
from tests.rig import record, small_config


@dataclass(frozen=True)
class DirectRun(Run):
    """Stages are called, not submitted."""

    def submit(self, stage: Any, job: Any) -> Outcome:
        if stage.name == "finetune":
            return made_up_training(job)
        by_name = {
            module.__name__.rsplit(".", 1)[-1]: module.run for module in (generate, verify, materialize, evaluate)
        }
        return by_name[stage.name](job)  # type: ignore[arg-type]

    def result(self, future: Any) -> Outcome:
        return self.journal.note(future)

    def drive(self, pipelines: Iterable[Pipeline], in_flight: int) -> list[RangeSamples]:
        return [self._to_its_end(pipeline) for pipeline in pipelines]

    def _to_its_end(self, pipeline: Pipeline) -> RangeSamples:
        try:
            outcome = next(pipeline)
            while True:
                outcome = pipeline.send(self.result(outcome))
        except StopIteration as end:
            done: RangeSamples = end.value
            return done


def made_up_training(job: FinetuneJob) -> Outcome:
    """The artifact that `tasks.finetune` commits, with the start's files and one line that differs as weights."""
    recipe, store = job.recipe(), job.workspace.store
    found = job.workspace.find(recipe, job.slot)
    if found.manifest is not None:
        return Outcome(store.ref(found.manifest), cached=True)
    key, attempt = key_of(recipe), new_attempt()
    epochs, parts = [], []
    for number in range(1, job.settings.epochs + 1):
        folder = job.workspace.scratch_path / "made-up" / f"{key}-{number}"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"model_type": "llama"}')
        (folder / "model.safetensors").write_bytes(f"{key} epoch {number}".encode() * 100)
        relative = f"finetune/{key}/{attempt}/epoch-{number}"
        epochs.append(
            {"epoch": number, "digest": digest_of_folder(folder), "path": relative, "train_loss": 1.0, "steps": 3}
        )
        parts += store.put_folder(relative, folder)
    meta = {"epochs": epochs, "start": asdict(job.start), "dataset": asdict(job.dataset), "environment": environment()}
    digest = digest_of([one["digest"] for one in epochs])
    made = store.commit(Manifest("finetune", key, recipe, attempt, digest, job.dataset.rows, parts, meta, time.time()))
    job.workspace.remember(recipe, job.slot)
    return Outcome(store.ref(made), False, found.why)


def make_store(folder: Path, **sections: dict[str, Any]) -> tuple[RunConfig, RunResult]:
    """A run of `rig.small_config` (its sections may be changed) in `folder/store`, with its result and page."""
    config = small_config(folder, made_up_base(folder / "base"), **sections)
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


def run_directly(config: RunConfig) -> RunResult:
    """The loop of `flows.loop.em`."""
    workspace = workspace_of(config)
    problems = publish(workspace, config.data, config.verify)
    run = DirectRun(config, workspace, problems, given_base(config, workspace))
    with Record(run) as made:
        policy = run.base
        with made.iteration(0) as row:
            row.test = evaluate_policy(run, policy, problems.test, "base/test")
        for number in range(1, config.loop.iterations + 1):
            with made.iteration(number) as row:
                with row.phase("E-step"):
                    samples = expectation(run, policy, number)
                with row.phase("materialize"):
                    row.dataset = run.result(run.submit(materialize.materialize, dataset_job(run, samples, number)))
                with row.phase("M-step"):
                    start = run.base if config.finetune.start == "base" else policy
                    row.maximized = maximization(run, start, row.dataset.ref, number)
                policy = row.maximized.policy
                with row.phase("evaluate"):
                    row.test = evaluate_policy(run, policy, problems.test, f"iteration-{number}/test")
        return made._save("completed")  # `finish` would also publish to a Prefect server
