"""Which files of a checkpoint folder hold its weights, and what their headers say of them; nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.engines.model_json import read_json

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
POINTER = b"version https://git-lfs"

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class _Header:
    tensors: Mapping[str, Mapping[str, Any]]
    bytes: int  # of the file, as the header has it


def weight_files(folder: Path) -> list[Path]:
    """Return the files that are loaded: the whole one, or those that the index names.

    Others may lie beside them (a `consolidated.safetensors`, an adapter). UserError where a named file is missing, where there
    is neither file nor index, or where they speak of different files.
    """
    whole, index = folder / WHOLE, folder / INDEX
    if index.is_file():
        return _indexed(folder, sorted(set(read_json(index).get("weight_map", {}).values())))
    if not whole.is_file():
        found = ", ".join(sorted(file.name for file in folder.glob("*.safetensors"))) or "none"
        raise UserError(
            f"{folder.name} has neither {WHOLE} nor {INDEX}, and no other weights are loaded (found: {found}); "
            "name a folder saved by save_pretrained"
        )
    return [whole]


def holds_a_model(folder: Path) -> bool:
    """Return whether a folder has a model's config and its weights."""
    return (folder / "config.json").is_file() and has_weights(folder)


def has_weights(folder: Path) -> bool:
    """Return whether the folder has a file that `weight_files` begins with; an adapter or a `consolidated.safetensors` is none."""
    return (folder / WHOLE).is_file() or (folder / INDEX).is_file()


def weight_bytes(folder: Path) -> int:
    """Return the size of the files that are loaded; 0 where there are none."""
    return sum(file.stat().st_size for file in weight_files(folder)) if has_weights(folder) else 0


def _indexed(folder: Path, names: list[str]) -> list[Path]:
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise UserError(
            f"{folder.name} lacks {missing[0]}, which its index names ({len(missing)} of {len(names)} files are missing); copy it again"
        )
    if (folder / WHOLE).is_file() and WHOLE not in names:
        raise UserError(
            f"{folder.name} has {WHOLE} and beside it an index of other files; one library loads the one, another the others: "
            "remove those that are not this model's"
        )
    return [folder / name for name in names]


def shapes_in(folder: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a checkpoint by the headers; UserError for a file that is not whole."""
    return {name: tuple(one["shape"]) for file in weight_files(folder) for name, one in _header(file).tensors.items()}


def _header(file: Path) -> _Header:
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        text = stream.read(length) if length < size else b""
    try:
        told = dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise UserError(f"{file.name} of {file.parent.name} {_what_it_is(file)}") from error
    tensors = {name: one for name, one in told.items() if name != "__metadata__"}
    header = _Header(tensors, 8 + length + max((one["data_offsets"][1] for one in tensors.values()), default=0))
    if header.bytes != size:
        raise UserError(
            f"{file.name} of {file.parent.name} has {size} bytes where its header says {header.bytes}; copy it again"
        )
    return header


def _what_it_is(file: Path) -> str:
    with file.open("rb") as stream:
        pointer = stream.read(len(POINTER)) == POINTER
    if pointer:
        return "is a Git LFS pointer, not the weights; run `git lfs pull`"
    return "is no whole safetensors file; copy it again"
