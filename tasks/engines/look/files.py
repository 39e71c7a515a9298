"""Reads what the files of a model folder say about it, without loading the model: JSON, and the headers of the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.engines.architectures import needs_of, read_config
from tasks.engines.special_tokens import special_tokens

EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight", "embeddings.weight")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
UNUSED_SAMPLING = ("repetition_penalty", "no_repeat_ngram_size", "min_p", "typical_p", "penalty_alpha")


def check_files(folder: Path) -> list[str]:
    """Notes; UserError for weights that are missing, damaged, quantised or of another size than the vocabulary."""
    config = read_config(folder)
    needs = needs_of(config)
    if needs.refused:
        raise UserError(f"{folder.name} is of architecture {config.get('model_type')!r}, {needs.refused}")
    if config.get("quantization_config") is not None:
        raise UserError(f"{folder.name} is quantised, and fine-tuning needs plain weights; name the original model")
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise UserError(
            f"{folder.name} has no tokenizer (none of {', '.join(TOKENIZER_FILES)}); copy it from where the model comes from"
        )
    shapes = weight_shapes(folder)
    _check_vocabulary(folder, config, shapes)
    return _generation_notes(folder)


def weight_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor by the headers; UserError for a file that is not whole."""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in _weight_files(folder):
        header, start, size = _header(file)
        tensors = {name: one for name, one in header.items() if name != "__metadata__"}
        end = start + max((one["data_offsets"][1] for one in tensors.values()), default=0)
        if end != size:
            raise UserError(f"{file.name} of {folder.name} has {size} bytes where its header says {end}; copy it again")
        shapes |= {name: tuple(one["shape"]) for name, one in tensors.items()}
    return shapes


def _weight_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return sorted(folder.glob("*.safetensors"))
    names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise UserError(
            f"{folder.name} lacks {missing[0]}, which its index names ({len(missing)} of {len(names)} files are missing); copy it again"
        )
    return [folder / name for name in names]


def _header(file: Path) -> tuple[dict[str, Any], int, int]:
    """The header, where the data begin, and the size of the file."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        text = stream.read(length) if length < size else b""
    try:
        return dict(json.loads(text)), 8 + length, size
    except ValueError as error:
        pointer = file.open("rb").read(24).startswith(b"version https://git-lfs")
        what = (
            "is a Git LFS pointer, not the weights; run `git lfs pull`"
            if pointer
            else "is no whole safetensors file; copy it again"
        )
        raise UserError(f"{file.name} of {file.parent.name} {what}") from error


def _check_vocabulary(folder: Path, config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    tables = [shape[0] for name, shape in shapes.items() if name.endswith(EMBEDDINGS) and len(shape) == 2]
    known, rows = int(config.get("vocab_size") or 0), max(tables, default=0)
    if not rows or not known:
        return
    if known != rows:
        raise UserError(
            f"{folder.name} has {rows} embeddings but config.json says vocab_size {known}; correct it or copy the weights again"
        )
    beyond = {text: number for text, number in special_tokens(folder).ids.items() if number >= rows}
    if beyond:
        text, number = next(iter(beyond.items()))
        raise UserError(
            f"{folder.name}: its tokenizer has the special token {text!r} as number {number}, but the model has {rows} embeddings; "
            "take the tokenizer that belongs to it, or resize the embeddings"
        )


def _generation_notes(folder: Path) -> list[str]:
    path = folder / "generation_config.json"
    told: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    named = [name for name in UNUSED_SAMPLING if told.get(name) not in (None, 0, 0.0, 1.0)]
    notes = []
    if named:
        notes.append(
            f"generation_config.json sets {', '.join(named)}: it is not used in sampling and left out of an export"
        )
    if told.get("do_sample") is False and told.get("temperature") is not None:
        notes.append(
            "generation_config.json sets a temperature beside do_sample false: trained policies keep the file, an export writes it anew"
        )
    return notes
