"""Exports a trained policy as a folder that others can load (weights, tokenizer, generation config, model card), or pushes it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.stored.cards import model_card
from flows.stored.runs import read_result
from flows.stored.trace import ModelTrace, chosen_row, trace_model
from tasks.domain.adapters import is_adapter, name_base
from tasks.domain.chat_template import template_of
from tasks.domain.errors import RestemError, StoreUnavailable, UserError, one_sentence
from tasks.domain.run_result import RunResult
from tasks.domain.schema import Policy
from tasks.domain.settings import GenerateSettings, ModelSettings
from tasks.engines.generation_config import write_generation_config
from tasks.store.artifacts import Store, digest_of_folder

COMMIT = re.compile(r"/models--[^/]+/snapshots/([0-9a-f]{40})$")  # in the Hub's cache


@dataclass(frozen=True)
class Exported:
    """What was written, and where it was pushed."""

    folder: Path
    policy: str
    iteration: int
    pushed: tuple[str, ...] = ()


def export(
    store: Store,
    run: str,
    folder: Path,
    iteration: int | None = None,
    push_hub: str | None = None,
    push: str | None = None,
    license: str | None = None,
) -> Exported:
    """Write the policy of an iteration (None: the best by val reward) into `folder`, complete or not at all.

    UserError when the folder holds something, the run or iteration is unknown, the weights are gone, or a push is refused.
    """
    check_target(folder)
    result = read_result(store, run)
    row = chosen_row(result, iteration)
    trace = trace_model(store, run, row.number)
    with whole_or_not(folder) as partial:
        _fetch(store, trace, partial)
        if is_adapter(partial):
            name_base(partial, _base_of(store, trace, result), revision_of(trace.start["uri"], result.config["model"]))
        else:
            _write_generation_config(partial, result)
        (partial / "README.md").write_text(model_card(result, trace, license), encoding="utf-8")
    return Exported(folder, trace.digest, trace.iteration, pushed_to(folder, push_hub, push))


def pushed_to(folder: Path, hub: str | None, url: str | None, repo_type: str = "model") -> tuple[str, ...]:
    """Push a finished folder to the Hub, to an address, to both or to neither; return where it is now."""
    return (*([_push_hub(folder, hub, repo_type)] if hub else []), *([_push(folder, url)] if url else []))


def check_target(folder: Path) -> None:
    """Refuse an existing file or a folder that is not empty, so that nothing is overwritten."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{str(folder)!r} is a file; name a folder that does not exist yet, or an empty one")
    if folder.is_dir() and any(folder.iterdir()):
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:5])
        raise UserError(f"folder {str(folder)!r} is not empty ({found}); name a new folder, or empty it")
    above = next(path for path in folder.absolute().parents if path.exists())
    if not os.access(above, os.W_OK):
        raise UserError(f"{str(above)!r} cannot be written, so {str(folder)!r} cannot be made; name another folder")


def _fetch(store: Store, trace: ModelTrace, target: Path) -> None:
    root = f"{trace.uri.rstrip('/')}/"
    relative = root.removeprefix(store.uri("").rstrip("/") + "/")
    files = store.walk(relative)
    if not files:
        raise store.gone(trace.uri)
    for path in files:
        local = target / path.removeprefix(relative)
        local.parent.mkdir(parents=True, exist_ok=True)
        store.fetch(path, local)
    found = digest_of_folder(target)
    if found != trace.digest:
        raise StoreUnavailable(
            f"{trace.uri} was read as {found} but should be {trace.digest}; the copy is damaged or changed"
        )


def _base_of(store: Store, trace: ModelTrace, result: RunResult) -> str:
    """Return the name under which others find an adapter's base: the run's, or where the store has a built-in one."""
    name = str(result.config["model"]["base"])
    return store.start_of(Policy(trace.digest, trace.uri)).uri if name.startswith("builtin:") else name


def revision_of(place: str, model: Mapping[str, Any]) -> str | None:
    """Return the commit of a base from the Hub, which the Hub's cache has in the place of its files, else the run's own word for it."""
    pinned = COMMIT.search(place)
    return pinned.group(1) if pinned else model.get("revision")


def _write_generation_config(folder: Path, result: RunResult) -> None:
    """Write the run's E-step sampling, with the tokens that end a completion from the model's own file, as in sampling and evaluation."""
    settings, model = GenerateSettings.model_validate(result.config["generate"]), result.config["model"]
    write_generation_config(folder, settings, template_of(ModelSettings.model_validate(model)).stop)


@contextmanager
def whole_or_not(folder: Path) -> Iterator[Path]:
    """Yield a path for the folder's content, which gets the folder's name when all of it is written.

    There may be an empty folder of that name (`check_target`). After a failure nothing is left.
    """
    partial = folder.absolute().with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    try:
        yield partial
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_dir():
            folder.rmdir()  # empty, as checked
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _push_hub(folder: Path, repository: str, repo_type: str) -> str:
    from huggingface_hub import HfApi

    try:
        HfApi().create_repo(repository, exist_ok=True, private=True, repo_type=repo_type)
        return str(HfApi().upload_folder(repo_id=repository, folder_path=folder, repo_type=repo_type))
    except Exception as error:  # boundary: the Hub's client and its transport share no base class
        raise UserError(
            f"{str(folder)!r} is written, but pushing to Hub repository {repository!r} failed ({one_sentence(error)}); "
            "check the id, the connection and HF_TOKEN"
        ) from error


def _push(folder: Path, url: str) -> str:
    try:
        target = Store(url)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                target.put_file(str(path.relative_to(folder)), path)
    except (RestemError, OSError) as error:
        raise UserError(
            f"{str(folder)!r} is written, but pushing to {url!r} failed ({one_sentence(error)}); check the address and the credentials"
        ) from error
    return url
