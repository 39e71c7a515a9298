"""A policy saved as a LoRA adapter: the adapter alone (peft's two files), which is laid over the base that it was trained on.

The adapter's config names that base by its digest, so that the policy's own digest says what it is laid over. On a machine the two
lie together in one folder of links, `beside_base`, whose `base` leads to the base's folder.
"""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
BASE = "base"
ON_BASE = "-on-base"  # ends the name of an adapter's folder of links
VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # a server can be started with room for one of these
BASE_FIELD = "base_model_name_or_path"  # of peft's config


@dataclass(frozen=True)
class Adapter:
    """An adapter in `path`, laid over the model in `base`. `scale` multiplies its product of two matrices."""

    path: Path
    base: Path
    rank: int
    scale: float


def is_adapter(folder: Path) -> bool:
    """Return whether the folder holds an adapter instead of a whole model."""
    return (folder / CONFIG).is_file() and not (folder / "config.json").is_file()


def adapter_in(folder: Path) -> Adapter | None:
    """Return the adapter of a policy's folder, and None for a whole model. UserError for an adapter whose base is not beside it."""
    if not is_adapter(folder):
        return None
    if not (folder / BASE / "config.json").is_file():
        raise UserError(
            f"{folder} holds a LoRA adapter and no {BASE!r} beside it; a policy is served from the folder that the "
            "workspace makes of adapter and base"
        )
    told = json.loads((folder / CONFIG).read_text("utf-8"))
    rank = int(told["r"])
    return Adapter(folder, folder / BASE, rank, float(told["lora_alpha"]) / rank)


def whole_model(folder: Path) -> Path:
    """Return the folder with config, tokenizer and whole weights: the base's for an adapter, else the folder itself."""
    adapter = adapter_in(folder)
    return folder if adapter is None else adapter.base


def adapter_room(rank: int) -> int:
    """Return the smallest of the ranks that vLLM can be started with which has room for `rank`."""
    return next(one for one in VLLM_RANKS if one >= rank)


def save_adapter(trained: Path, target: Path, base_digest: str) -> None:
    """Copy an adapter that peft saved; its config names the base by digest, and says the same for the same training.

    peft writes the base's path on this machine, and lists the adapted modules in an order that changes from process to process.
    """
    told: dict[str, Any] = json.loads((trained / CONFIG).read_text("utf-8"))
    told |= {BASE_FIELD: base_digest, "target_modules": sorted(told["target_modules"])}
    (target / CONFIG).write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    shutil.copyfile(trained / WEIGHTS, target / WEIGHTS)


def name_base(folder: Path, base: str, revision: str | None = None) -> None:
    """Write into an exported adapter which model it belongs to and, of one on the Hub, which revision: peft loads that one."""
    told = json.loads((folder / CONFIG).read_text("utf-8"))
    told |= {BASE_FIELD: base, "revision": revision}
    (folder / CONFIG).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def beside_base(adapter: Path, base: Path, target: Path) -> Path:
    """Make the folder of links `target`, from which an engine serves the adapter on its base, unless it is there already."""
    files = {name: adapter / name for name in (CONFIG, WEIGHTS)} | {BASE: base}
    if all((target / name).resolve() == path.resolve() for name, path in files.items()):
        return target  # not where adapter or base have moved
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
    partial.mkdir(parents=True)
    for name, path in files.items():
        (partial / name).symlink_to(path.resolve())
    shutil.rmtree(target, ignore_errors=True)
    try:
        partial.rename(target)
    except OSError:  # another thread or process was first
        shutil.rmtree(partial, ignore_errors=True)
    return target
