"""The generation config of an exported model: what it was sampled and evaluated with, in a file that others can load and save."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.domain.settings import GenerateSettings
from tasks.engines.model_json import read_json
from tasks.engines.special_tokens import special_tokens

GENERATION_CONFIG = "generation_config.json"
TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")


def write_generation_config(folder: Path, settings: GenerateSettings, stop: Sequence[str]) -> None:
    """Write the generation config over the base's file, of which only the token ids stay.

    A base's own sampling (a repetition penalty, a temperature beside `do_sample: false`) was never used: every engine is told
    all fields. The tokenizer's EOS, which is what was trained on, and stop strings that are special tokens ended completions too,
    so they are end tokens here.
    """
    path = folder / GENERATION_CONFIG
    known, special = read_json(path), special_tokens(folder)
    chosen: dict[str, Any] = {name: known[name] for name in TOKENS if known.get(name) is not None}
    named = chosen.get("eos_token_id", [])
    ended = [*(named if isinstance(named, list) else [named]), *sorted(special.ends), *sorted(special.stops(stop))]
    if ends := list(dict.fromkeys(ended)):
        chosen["eos_token_id"] = ends if len(ends) > 1 else ends[0]
    sampling = {"temperature": settings.temperature, "top_k": settings.top_k, "top_p": settings.top_p}
    greedy = settings.temperature == 0  # transformers refuses to save a temperature beside it
    chosen |= {"do_sample": not greedy, "max_new_tokens": settings.max_tokens, **({} if greedy else sampling)}
    path.write_text(json.dumps(chosen, indent=2) + "\n")
