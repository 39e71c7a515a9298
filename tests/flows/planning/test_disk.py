"""The disk that a plan names is the disk that a training takes: its policies in the store, and the most that lies beside it meanwhile."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from flows.config import make_config
from flows.planning.estimate import parameters_of, policy_bytes, training_scratch_bytes
from tasks.domain.schema import Policy
from tasks.engines.training import sft_checkpoints
from tests.models.architectures import Architecture, write_model
from tests.models.matrix import TRAINING, train_here

SIZES = {"hidden_size": 256, "intermediate_size": 1024}  # 2.4M parameters: what stands beside weights hardly counts
WAYS: dict[str, dict[str, Any]] = {  # on bases that are stored in 32 and in 16 bits by turns
    "float32": {}, "saved in 16 bits": {"save_dtype": "bfloat16"}, "one epoch": {"epochs": 1}, "four epochs": {"epochs": 4},
    "adapter": {"lora_rank": 32, "lora_saved_as": "adapter"}, "merged": {"lora_rank": 4},
    "trained in 16 bits": {"weights_dtype": "bfloat16", "save_dtype": "bfloat16"},
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`base(dtype)`: a Llama whose weights are stored so."""
    root = tmp_path_factory.mktemp("bases")

    def make(dtype: str) -> Path:
        folder = root / dtype
        if not folder.exists():
            write_model(folder, Architecture("llama", SIZES))
            rounded(folder, dtype)
        return folder

    return make


def rounded(folder: Path, dtype: str) -> None:
    """Store a model's weights in this data type."""
    weights = folder / "model.safetensors"
    changed = {name: values.to(getattr(torch, dtype)) for name, values in load_file(weights).items()}
    save_file(changed, weights, metadata={"format": "pt"})


def disk_of(folder: Path) -> int:
    """Bytes below a folder; a file with two names counts once."""
    found = {(one.st_dev, one.st_ino): one.st_size for one in map(os.stat, filter(Path.is_file, folder.rglob("*")))}
    return sum(found.values())


@pytest.mark.parametrize("way, dtype", zip(WAYS, itertools.cycle(["float32", "bfloat16"]), strict=False))
def test_policies_and_states_take_the_disk_that_is_planned(
    base: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, dtype: str
) -> None:
    peaks, discard = [0], sft_checkpoints.discard_others

    def measured(output_dir: Path, keep: sft_checkpoints.State | None) -> None:
        peaks.append(disk_of(output_dir))  # before an older state goes
        discard(output_dir, keep)

    monkeypatch.setattr(sft_checkpoints, "discard_others", measured)
    settings = {"epochs": 2} | WAYS[way]
    result = train_here(base(dtype), tmp_path / "out", **settings)
    config = make_config(
        {"model": {"base": str(base(dtype))}, "finetune": TRAINING.model_copy(update=settings).model_dump()}
    )
    policy = Policy("0" * 16, str(base(dtype)))
    parameters = parameters_of(policy)
    written = sum(disk_of(epoch.path) for epoch in result.epochs)
    assert policy_bytes(config, parameters, policy) * len(result.epochs) == pytest.approx(written, rel=0.05)
    planned = training_scratch_bytes(config, parameters, policy)
    assert 0.98 * max(peaks) <= planned
    # one save may still be followed by one in an epoch of hours
    assert planned <= (2.2 if settings["epochs"] == 1 else 1.1) * max(peaks)
