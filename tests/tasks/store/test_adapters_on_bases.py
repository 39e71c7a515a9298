"""An adapter is laid over the very base that it was trained on, wherever that lies now."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from tasks.base import resolve
from tasks.domain.adapters import BASE, CONFIG, WEIGHTS, adapter_in
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy
from tasks.domain.settings import ModelSettings
from tasks.store.artifacts import Manifest, digest_of_folder
from tasks.store.workspace import Workspace

Here = Callable[[], bytes]


def write_base(folder: Path, weights: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("config.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def resolved(workspace: Workspace, folder: Path) -> Policy:
    return resolve(workspace, ModelSettings(base=str(folder)))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path / "store"), str(tmp_path / "scratch"), "run")


@pytest.fixture
def weights_below(workspace: Workspace, tmp_path: Path) -> Here:
    """The weights of the base over which the stored adapter is laid."""
    base, epoch = resolved(workspace, write_base(tmp_path / "base", b"one")), tmp_path / "epoch"
    epoch.mkdir()
    (epoch / CONFIG).write_text(json.dumps({"r": 8, "lora_alpha": 16}))
    (epoch / WEIGHTS).write_bytes(b"adapter")
    digest, place = digest_of_folder(epoch), "finetune/key/123-a/epoch-1"
    parts = workspace.store.put_folder(place, epoch)
    meta = {"epochs": [{"epoch": 1, "digest": digest, "path": place}], "start": asdict(base)}
    workspace.store.commit(
        Manifest("finetune", "key", {"start": base.digest}, "123-a", digest, 1, parts, meta, time.time())
    )

    def here() -> bytes:
        folder = workspace.localize(Policy(digest, workspace.store.uri(place), "policy"))
        assert adapter_in(folder) is not None
        return (folder / BASE / "model.safetensors").read_bytes()

    return here


def test_the_base_may_move(weights_below: Here, workspace: Workspace, tmp_path: Path) -> None:
    assert weights_below() == b"one"
    (tmp_path / "base").rename(tmp_path / "moved")
    with pytest.raises(UserError, match="is gone"):
        weights_below()
    resolved(workspace, tmp_path / "moved")  # as a run whose model.base was corrected does
    assert weights_below() == b"one"


def test_another_model_in_its_folder_is_refused(weights_below: Here, workspace: Workspace, tmp_path: Path) -> None:
    """No proof would notice: it compares what is served with the same folder."""
    (tmp_path / "base").rename(tmp_path / "moved")
    write_base(tmp_path / "base", b"another")
    with pytest.raises(UserError, match="does not hold the model"):
        weights_below()
    resolved(workspace, tmp_path / "moved")
    assert weights_below() == b"one"
