"""The base policy: a built-in model trained on the spot, a folder, an fsspec URL or a Hub id; always named by its content."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fsspec

from tasks.domain.errors import UserError, one_sentence
from tasks.domain.fingerprint import digest_of_files
from tasks.domain.schema import Policy
from tasks.domain.settings import ModelSettings
from tasks.engines.training.pretrain import CURRICULA, PREFIX, RECIPE_FILE, pretrain_base, recipe_of
from tasks.engines.weight_files import INDEX, WHOLE, has_weights
from tasks.store.artifacts import Manifest, digest_of_folder, key_of, new_attempt
from tasks.store.model_files import MODEL_FILES, digest_of_model
from tasks.store.progress import meter
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome, Workspace, environment

VERSION = "1"
BUILTIN = frozenset(f"{PREFIX}{name}" for name in CURRICULA)


@dataclass(frozen=True)
class BaseJob:
    """Train the built-in base model."""

    workspace: Workspace
    model: ModelSettings
    slot: str = "base"

    def recipe(self) -> dict[str, Any]:
        """Leave the kind of warm-up out where it is that of all bases before the setting."""
        sizes = asdict(recipe_of(self.model))
        if sizes["warmup_from"] == "zero":
            del sizes["warmup_from"]
        return self.workspace.recipe("base", VERSION, **sizes)


def run(job: BaseJob) -> Outcome:
    """Pre-train the tiny model, or find it in the store."""
    recipe = job.recipe()
    return job.workspace.once(recipe, job.slot, lambda: _pretrained(job, recipe))


def _pretrained(job: BaseJob, recipe: dict[str, Any]) -> Manifest:
    store, started, key, attempt = job.workspace.store, time.time(), key_of(recipe), new_attempt()
    folder = job.workspace.scratch_path / "pretrain" / f"{key}-{attempt}"
    with meter("pretrain base", job.model.pretrain_steps, "steps") as progress:
        pretrain_base(
            job.model,
            folder,
            job.workspace.logs / "pretrain.log",
            lambda now: progress.advance(now.step - progress.done, note=f"loss {now.loss:.3f}"),
        )
    (folder / RECIPE_FILE).unlink()  # names the scratch folder, and the model's identity must not
    digest = digest_of_folder(folder)
    relative = f"base/{key}/{attempt}/model"
    parts = store.put_folder(relative, folder)
    shutil.rmtree(folder)
    meta = {"path": relative, "seconds": round(time.time() - started, 3), "environment": environment()}
    return store.commit(Manifest("base", key, recipe, attempt, digest, 0, parts, meta, time.time()))


pretrain = Stage("pretrain", run)


def builtin_policy(workspace: Workspace, outcome: Outcome) -> Policy:
    manifest = workspace.store.manifest_of(outcome.ref)
    return Policy(manifest.digest, workspace.store.uri(manifest.meta["path"]), "base")


def resolve(workspace: Workspace, model: ModelSettings) -> Policy:
    """Resolve a folder, URL or Hub id to a policy. Hub names are pinned to a commit here, before anything expensive starts."""
    folder = _downloaded(workspace, model.base) if "://" in model.base else _local_folder(model) or _from_hub(model)
    check_model_folder(folder, model.base)
    policy = Policy(digest_of_model(workspace.scratch_path, folder), str(folder), "base")
    workspace.note_place(policy)
    return policy


def known_base(workspace: Workspace, model: ModelSettings) -> Policy | None:
    """Return the same policy if it is a local folder or the Hub's cache has it, and None if it must be fetched. Writes nothing."""
    folder = None if "://" in model.base else _local_folder(model) or _from_hub_cache(model)
    if folder is None:
        return None
    check_model_folder(folder, model.base)
    return Policy(digest_of_model(Path(workspace.scratch).absolute(), folder, remember=False), str(folder), "base")


def _local_folder(model: ModelSettings) -> Path | None:
    path = Path(model.base).expanduser()
    return path.absolute() if path.exists() or model.base.startswith((".", "/", "~")) else None


def check_model_folder(folder: Path, name: str) -> None:
    """Raise UserError unless the folder looks like a model that can be loaded and trained."""
    if not folder.is_dir():
        raise UserError(f"model.base {name!r} is not a folder, a URL or a Hub id that can be reached; check the path")
    missing = [file for file in ("config.json", "tokenizer_config.json") if not (folder / file).is_file()]
    if missing or not has_weights(folder):
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        lacking = ", ".join(missing) or f"{WHOLE} or {INDEX}"
        raise UserError(f"model.base {name!r} lacks {lacking} (found: {found}); name a folder saved by save_pretrained")


def _from_hub(model: ModelSettings) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model.base, revision=model.revision, allow_patterns=list(MODEL_FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"model.base {model.base!r} is no local folder and could not be had from the Hub ({one_sentence(error)}); "
            "name a folder or URL, or check the id and the connection"
        ) from error


def _from_hub_cache(model: ModelSettings) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                model.base, revision=model.revision, allow_patterns=list(MODEL_FILES), local_files_only=True
            )
        )
    except HFValidationError as error:
        raise UserError(
            f"model.base {model.base!r} is no local folder and no Hub id ({error}); name a folder, a URL or an id"
        ) from error
    except LocalEntryNotFoundError:
        return None


def _downloaded(workspace: Workspace, url: str) -> Path:
    """Fetch a URL's files to scratch/models, once per listing (name, size, etag)."""
    try:
        fs, path = fsspec.core.url_to_fs(url)
        listing = sorted(
            (one["name"], str(one.get("size")), str(one.get("ETag", ""))) for one in fs.ls(path, detail=True)
        )
    except (ImportError, ValueError, OSError) as error:
        raise UserError(f"model.base {url!r} cannot be read: {error}; check the URL and the credentials") from error
    target = workspace.scratch_path / "models" / digest_of_files((name, size + etag) for name, size, etag in listing)
    if not target.is_dir():
        partial = target.with_suffix(f".{new_attempt()}.partial")
        fs.get(path.rstrip("/") + "/", str(partial) + "/", recursive=True)
        partial.rename(target)
    return target
