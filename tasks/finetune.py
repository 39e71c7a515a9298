"""M-step: it fine-tunes the start weights on the data set, and the checkpoint of each epoch becomes a policy."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.domain.failpoints import failpoint
from tasks.domain.fingerprint import digest_of
from tasks.domain.schema import Policy
from tasks.domain.settings import EngineSettings, FinetuneSettings
from tasks.engines.sampling.host import release_all
from tasks.engines.training.sft_rows import AS_TEXT, Joining
from tasks.engines.training.trainer import TrainJob, TrainProgress, TrainResult, train
from tasks.store.artifacts import ArtifactRef, Manifest, Part, digest_of_folder, key_of, new_attempt
from tasks.store.progress import Meter, meter
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome, Workspace, environment, log

VERSION = "1"


@dataclass(frozen=True)
class FinetuneJob:
    """Train `start` on `dataset`. `start` is the base for ReST-EM, the previous policy for expert iteration."""

    workspace: Workspace
    slot: str
    start: Policy
    dataset: ArtifactRef
    settings: FinetuneSettings
    engine: EngineSettings
    joining: Joining = AS_TEXT

    def recipe(self) -> dict[str, Any]:
        """Return the key's parts; how rows are joined stands in it only where a chat template decides it."""
        joining = {} if self.joining == AS_TEXT else {"joining": asdict(self.joining)}
        return self.workspace.recipe(
            "finetune", VERSION, settings=self.settings.content(), dataset=self.dataset.digest, start=self.start.digest,
            **joining,
        )  # fmt: skip


def run(job: FinetuneJob) -> Outcome:
    """Train in a child process, going on from the saved state of an earlier attempt that was killed."""
    recipe = job.recipe()
    found = job.workspace.find(recipe, job.slot)
    if found.manifest is not None:
        return Outcome(job.workspace.store.ref(found.manifest), cached=True)
    with _alone(job.workspace.scratch_path / "train", key_of(recipe)) as folder:
        # another flow on this machine may have trained it while we waited: `once` looks again
        outcome = job.workspace.once(recipe, job.slot, lambda: _trained(job, recipe, folder))
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _trained(job: FinetuneJob, recipe: dict[str, Any], folder: Path) -> Manifest:
    started = time.time()
    release_all(job.engine)
    result = _train(job, key_of(recipe), folder)
    failpoint("finetune.trained")
    return _commit(job, recipe, result, time.time() - started)


def policies(workspace: Workspace, ref: ArtifactRef) -> list[Policy]:
    """Return the trained policies, one per epoch, earliest first."""
    epochs = workspace.store.manifest_of(ref).meta["epochs"]
    return [
        Policy(one["digest"], workspace.store.uri(one["path"]), f"{ref.key}/epoch-{one['epoch']}") for one in epochs
    ]


def _train(job: FinetuneJob, key: str, folder: Path) -> TrainResult:
    store = job.workspace.store
    files = []
    for number, part in enumerate(one for one in store.manifest_of(job.dataset).parts if one.path.endswith(".parquet")):
        target = folder / "data" / f"part-{number:05d}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.read_bytes(part.path))
        files.append(target)
    train_job = TrainJob(
        base_path=job.workspace.localize(job.start), data_files=tuple(files), output_dir=folder / "out",
        settings=job.settings, total_rows=job.dataset.rows, run_name=f"{job.workspace.run}-{job.slot.replace('/', '-')}",
        resume=(folder / "out" / "state").is_dir(), joining=job.joining,
        tracking=job.workspace.tracking, experiment=job.workspace.run, base_digest=job.start.digest,
    )  # fmt: skip
    log_path = job.workspace.logs / f"train-{key}.log"
    with meter(f"finetune {job.slot}", 1, "steps") as progress:
        result = train(train_job, on_progress=lambda now: _show(progress, now), log_path=log_path)
    for one in result.held_back:
        log.warning("row %s was not trained on: %s", one.row, one.reason)
    for note in result.notes:
        log.warning("%s", note)
    return result


def _show(progress: Meter, now: TrainProgress) -> None:
    failpoint("finetune.step")
    progress.total = max(now.steps, 1)
    progress.advance(now.step - progress.done, note=f"epoch {now.epoch:.1f}, loss {now.loss:.3f}")


def _commit(job: FinetuneJob, recipe: dict[str, Any], result: TrainResult, seconds: float) -> Manifest:
    store, key, attempt = job.workspace.store, key_of(recipe), new_attempt()
    epochs: list[dict[str, Any]] = []
    parts: list[Part] = []
    for one in result.epochs:
        digest = digest_of_folder(one.path)
        relative = f"finetune/{key}/{attempt}/epoch-{one.epoch}"
        parts += store.put_folder(relative, one.path)
        epochs.append(
            {"epoch": one.epoch, "digest": digest, "path": relative, "train_loss": one.train_loss, "steps": one.steps}
            | ({"unchanged": True} if one.unchanged else {})
        )
        failpoint("finetune.stored")
    meta = {
        "epochs": epochs, "tokens": result.tokens, "history": list(result.history)[-2000:], "seconds": round(seconds, 3),
        "train_seconds": round(result.seconds, 3), "start": asdict(job.start), "dataset": asdict(job.dataset),
        "environment": environment(), "held_back": [asdict(one) for one in result.held_back], "threads": result.threads,
        "peak_bytes": result.peak_bytes, "optimizing_seconds": round(result.optimizing_s, 3),
    }  # fmt: skip
    if result.encoded:
        meta["encoded"] = dict(result.encoded)
    if result.notes:
        meta["notes"] = list(result.notes)
    digest = digest_of([one["digest"] for one in epochs])
    return store.commit(Manifest("finetune", key, recipe, attempt, digest, job.dataset.rows, parts, meta, time.time()))


@contextmanager
def _alone(root: Path, key: str) -> Iterator[Path]:
    """Lock the training folder of one key, so that a second flow on this machine waits instead of training the same policy."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{key}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another flow trains %s on this machine; waiting for it", key)
            fcntl.flock(lock, fcntl.LOCK_EX)
        folder = root / key
        folder.mkdir(exist_ok=True)
        yield folder


finetune = Stage("finetune", run)
