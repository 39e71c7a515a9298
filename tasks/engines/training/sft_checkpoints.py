"""Folders on disk during fine-tuning: the state that `resume` goes on from, and one model folder per epoch.

A save writes the state (a transformers checkpoint), then its marker, then the epoch folder under a temporary name, renames
that folder, and removes older states. After a kill at any point the marked state is complete and the epoch folder can be made
from it again; a folder called `epoch-N` is always complete.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.domain.adapters import WEIGHTS, is_adapter, save_adapter
from tasks.domain.errors import UserError

MARKER = "whole.json"
WEIGHT_ENDINGS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx", ".index.json")
NOT_OF_THE_MODEL = ("readme.md", "training_args.bin", "trainer_state.json")


@dataclass(frozen=True)
class State:
    """A marked checkpoint after `step` optimizer steps. `epoch` counts finished epochs; `ends_epoch` says that it ends one."""

    path: Path
    step: int
    epoch: int
    ends_epoch: bool


def epoch_path(output_dir: Path, epoch: int) -> Path:
    return output_dir / f"epoch-{epoch}"


def mark(state: State, recipe: str) -> None:
    """Mark a checkpoint as complete. `recipe` is the digest of what is trained (rows, settings, base)."""
    partial = state.path / f"{MARKER}.partial"
    partial.write_text(
        json.dumps({"step": state.step, "epoch": state.epoch, "ends_epoch": state.ends_epoch, "recipe": recipe})
    )
    partial.replace(state.path / MARKER)


def latest(output_dir: Path, recipe: str) -> State | None:
    """Return the newest marked state of this recipe, or None when there is none and training begins anew."""
    found = []
    for marker in output_dir.glob(f"state/*/{MARKER}"):
        told = json.loads(marker.read_text())
        if told.pop("recipe") == recipe:
            found.append(State(marker.parent, **told))
        else:
            print("the saved state is of other rows, settings, base or process count and is not used", flush=True)
    return max(found, key=lambda state: state.step, default=None)


def discard_others(output_dir: Path, keep: State | None) -> None:
    """Remove states other than `keep`, and epoch folders that are unfinished or later than `keep`."""
    last = keep.epoch if keep else 0
    epochs = [folder for folder in output_dir.glob("epoch-*") if not is_epoch_up_to(folder, last)]
    for folder in [*output_dir.glob("state/checkpoint-*"), *epochs]:
        if keep is None or folder != keep.path:
            shutil.rmtree(folder)


def is_epoch_up_to(folder: Path, last: int) -> bool:
    number = folder.name.removeprefix("epoch-")
    return number.isdigit() and int(number) <= last


def export(
    output_dir: Path, epoch: int, base_path: Path, write_weights: Callable[[Path], None], dtype: str = "float32"
) -> Path:
    """Make `epoch-N`, the base's folder with other weights, unless it exists already.

    Everything but the weights and their dtype is copied from the base, so that the tuned model tokenises and stops as the
    base does (the trainer aligns special tokens in memory, and saving a tokenizer anew can rewrite it).
    """

    def fill(folder: Path) -> None:
        write_weights(folder)
        if not list(folder.glob("model*.safetensors")):
            raise UserError(
                "the trainer saved no whole model.safetensors; with FSDP add "
                "--fsdp_state_dict_type FULL_STATE_DICT to finetune.accelerate_args"
            )
        _copy_side_files(base_path, folder)
        _write_config(base_path, folder, dtype)

    return _whole_or_not(epoch_path(output_dir, epoch), fill)


def export_adapter(output_dir: Path, state: State, base_digest: str) -> Path:
    """Make `epoch-N`, the adapter of the state alone, unless it exists already."""
    target = epoch_path(output_dir, state.epoch)
    return _whole_or_not(target, lambda folder: save_adapter(state.path, folder, base_digest))


def _whole_or_not(target: Path, fill: Callable[[Path], None]) -> Path:
    """Make the folder under another name first, so that it is never there in part, unless it exists already."""
    if target.exists():
        return target
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    fill(partial)
    partial.replace(target)
    return target


def write_weights(checkpoint: Path, target: Path, dtype: str = "float32", trained: str = "float32") -> None:
    """Link the checkpoint's weights, which have the dtype `trained`, under a second name, or write them in another `dtype`.

    The checkpoint's generation config is linked as well, for a base that has none.
    """
    for file in [*checkpoint.glob("model*.safetensors*"), *checkpoint.glob("generation_config.json")]:
        if dtype != trained and file.suffix == ".safetensors":
            _round(file, target / file.name, dtype)
        else:
            _link(file, target / file.name)


def same_weights(base_path: Path, epoch: Path) -> bool:
    """Return whether an epoch's weights are those of the base, rounded alike: then nothing was learned.

    It ends at the first tensor that differs. A base without safetensors, or with tensors under other names, counts as different.
    An adapter changes nothing as long as all its second matrices are zero, as they begin.
    """
    from safetensors import safe_open

    if is_adapter(epoch):
        with safe_open(epoch / WEIGHTS, "pt") as tensors:
            return not any(tensors.get_tensor(name).any() for name in tensors.keys() if ".lora_B." in name)  # noqa: SIM118
    before, after = _tensors(base_path), _tensors(epoch)
    if not before.keys() >= after.keys():
        return False
    for name, file in after.items():
        with safe_open(file, "pt") as new, safe_open(before[name], "pt") as old:
            tensor = new.get_tensor(name)
            if not old.get_tensor(name).to(tensor.dtype).equal(tensor):
                return False
    return True


def _tensors(folder: Path) -> dict[str, Path]:
    """Return the names of a model's tensors, each with its file."""
    from safetensors import safe_open

    found: dict[str, Path] = {}
    for file in sorted(folder.glob("model*.safetensors")):
        with safe_open(file, "pt") as opened:
            found |= dict.fromkeys(opened.keys(), file)
    return found


def _link(file: Path, name: Path) -> None:
    """Make a hard link, or a copy where the file system has no hard links."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copy2(file, name)


def _round(file: Path, name: Path, dtype: str) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    rounded = {
        key: value.to(getattr(torch, dtype)) if value.is_floating_point() else value
        for key, value in load_file(file).items()
    }
    save_file(rounded, name, metadata={"format": "pt"})


def side_bytes(base_path: Path) -> int:
    """Return the size of what each epoch has beside its weights."""
    return sum(file.stat().st_size for file in _side_files(base_path))


def _copy_side_files(base_path: Path, target: Path) -> None:
    for file in _side_files(base_path):
        shutil.copyfile(file, target / file.name)


def _side_files(base_path: Path) -> Iterator[Path]:
    for file in base_path.iterdir():
        name = file.name.lower()
        if (
            file.is_file()
            and not name.startswith(".")
            and not name.endswith(WEIGHT_ENDINGS)
            and name not in NOT_OF_THE_MODEL
        ):
            yield file


def _write_config(base_path: Path, target: Path, dtype: str) -> None:
    config = json.loads((base_path / "config.json").read_text())
    config.pop("torch_dtype", None)  # the older name of the next key
    config["dtype"] = dtype
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
