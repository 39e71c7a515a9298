"""Reads what the files of a model folder say about it, without loading the model: JSON, and the headers of the weights."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.engines.architectures import Needs, needs_of, read_config
from tasks.engines.generation_config import GENERATION_CONFIG
from tasks.engines.model_json import read_json
from tasks.engines.special_tokens import special_tokens
from tasks.engines.weight_files import Shapes, shapes_in

EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight", "embeddings.weight")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
HEADS = ("lm_head.weight", "embed_out.weight")
LAYER = re.compile(
    r"(?<![^.])(layers|h|blocks)\.(\d+)\."
)  # GPT-2 and BLOOM are published as `h.0.`, with nothing in front
IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
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
    shapes = shapes_in(folder)
    _check_tensors(folder, config, needs, shapes)
    _check_vocabulary(folder, config, shapes)
    return _generation_notes(folder)


def _check_tensors(folder: Path, config: Mapping[str, Any], needs: Needs, shapes: Shapes) -> None:
    """Refuse weights that lack a layer, a part of one, or the head: libraries warn, and make them up at random."""
    lacking = list(_lacking(config, shapes)) if needs.known else []
    if lacking:
        raise UserError(f"{folder.name} has no weights for {lacking[0]}, which its config.json asks for; copy it again")


def _lacking(config: Mapping[str, Any], shapes: Shapes) -> Iterator[str]:
    """Yield what the headers show to be missing. A layer with a part of the tensors of another of its kind, and nothing else, is not whole."""
    layers = _text_layers(shapes)
    count = next((int(config[name]) for name in ("num_hidden_layers", "n_layer", "num_layers") if config.get(name)), 0)
    own = {number: parts for number, parts in layers.items() if number < count}
    kinds = _kinds_of_layers(config, count)
    for number in range(count if own else 0):
        parts = own.get(number)
        alike = [others for other, others in own.items() if kinds[other] == kinds[number]]
        if parts is None:
            yield f"layer {number} of {count}"
        elif whole := next((others for others in alike if parts < others), None):
            yield f"{min(whole - parts)} of layer {number}"
    if config.get("tie_word_embeddings") is False and not any(name.endswith(HEADS) for name in shapes):
        yield "its output head"


def _kinds_of_layers(config: Mapping[str, Any], count: int) -> list[tuple[bool, str]]:
    """Return what sets layers apart that rightly have fewer tensors than others.

    The last `num_kv_shared_layers` (Gemma 3n, Gemma 4) use the keys and values of earlier ones; where `attention_k_eq_v` is set, full
    attention takes its keys for values.
    """
    named = config.get("layer_types") if config.get("attention_k_eq_v") else None
    names = named if isinstance(named, list) and len(named) == count else [""] * count
    own_keys = count - int(config.get("num_kv_shared_layers") or 0)
    return [(number < own_keys, str(name)) for number, name in enumerate(names)]


def _text_layers(shapes: Shapes) -> dict[int, set[str]]:
    """Return the names within each layer of the text model, by number: of the stack beside its embeddings, else of the longest.

    Other stacks count their layers from 0 too: the vision tower of a multimodal model, whose layers have other parts.
    """
    stacks: dict[tuple[str, str], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in shapes:
        if found := LAYER.search(name):
            stacks[name[: found.start()], found[1]][int(found[2])].add(name[found.end() :])
    homes = {name.removesuffix(table) for name in shapes for table in EMBEDDINGS if name.endswith(table)}
    beside = [layers for (home, _), layers in stacks.items() if home in homes]
    return max(beside or stacks.values(), key=len, default={})


def _check_vocabulary(folder: Path, config: Mapping[str, Any], shapes: Shapes) -> None:
    tables = [shape[0] for name, shape in shapes.items() if name.endswith(EMBEDDINGS) and len(shape) == 2]
    known, rows = int(config.get("vocab_size") or 0), max(tables, default=0)
    if not rows or not known:
        return
    if known != rows:
        raise UserError(
            f"{folder.name} has {rows} embeddings but config.json says vocab_size {known}; correct it or copy the weights again"
        )
    _check_ids(folder, config, rows)
    beyond = {text: number for text, number in special_tokens(folder).ids.items() if number >= rows}
    if beyond:
        text, number = next(iter(beyond.items()))
        raise UserError(
            f"{folder.name}: its tokenizer has the special token {text!r} as number {number}, but the model has {rows} embeddings; "
            "take the tokenizer that belongs to it, or resize the embeddings"
        )


def _check_ids(folder: Path, config: Mapping[str, Any], rows: int) -> None:
    """Ids of tokens that the configs name have an embedding; -1 stands for none in old ones."""
    told = {"config.json": config, GENERATION_CONFIG: read_json(folder / GENERATION_CONFIG)}
    for file, name in ((file, name) for file in told for name in IDS):
        value = told[file].get(name)
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int) and number >= rows:
                raise UserError(
                    f"{file} of {folder.name} says {name} {number}, but the model has {rows} embeddings; correct it"
                )


def _generation_notes(folder: Path) -> list[str]:
    told = read_json(folder / GENERATION_CONFIG)
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
