"""What an engine must know of a checkpoint folder before it loads it, read from its JSON files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tasks.domain.adapters import Adapter, adapter_in
from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of, sha256_of_file
from tasks.engines.architectures import needs_of, positions_of, with_text_part
from tasks.engines.model_json import read_json
from tasks.engines.special_tokens import UNKNOWN, SpecialTokens, special_tokens

# Of config.json: written by the library that saved it, or without effect on a server that is already running.
INCIDENTAL = frozenset({"dtype", "torch_dtype", "transformers_version", "_name_or_path", "use_cache", "pad_token_id"})
TOKENIZER_FILES = ("tokenizer.model", "vocab.json", "merges.txt", "vocab.txt")
PADDING = frozenset({"padding", "truncation"})  # of tokenizer.json: a trainer's leftovers
DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Checkpoint:
    """Facts of one folder. `shape` is equal when weights can be exchanged in place: same network, tokenizer and stops.

    Where the folder holds an adapter, all but `adapter` and `path` are facts of its base.
    """

    path: Path
    shape: str
    dtype: str
    vocab_size: int
    max_positions: int
    special: SpecialTokens = UNKNOWN
    reloads: bool = True  # in a server on the CPU
    adapter: Adapter | None = None

    @property
    def weights(self) -> Path:
        """Return the folder of the whole model that must be loaded."""
        return self.path if self.adapter is None else self.adapter.base


def read_checkpoint(path: Path) -> Checkpoint:
    """Raises UserError when `path` holds no model that transformers could load, nor an adapter beside its base."""
    adapter = adapter_in(path)
    if adapter is not None:
        return replace(_read_whole(adapter.base), path=path, adapter=adapter)
    return _read_whole(path)


def _read_whole(path: Path) -> Checkpoint:
    if not (path / "config.json").is_file():
        raise UserError(
            f"{path} holds no config.json; expected a folder saved by save_pretrained (model and tokenizer)"
        )
    config = read_json(path / "config.json")
    text = with_text_part(config)
    dtype = str(text.get("dtype") or text.get("torch_dtype") or "float32").removeprefix("torch.")
    return Checkpoint(
        path=path,
        shape=_shape(path, config),
        dtype=dtype if dtype in DTYPES else "float32",
        vocab_size=int(text.get("vocab_size", 2)),
        max_positions=positions_of(text),
        special=special_tokens(path),
        reloads=needs_of(text).reload,
    )


def _shape(path: Path, config: Mapping[str, Any]) -> str:
    network = {name: value for name, value in config.items() if name not in INCIDENTAL}
    tokenizer = {name: value for name, value in read_json(path / "tokenizer.json").items() if name not in PADDING}
    files = [sha256_of_file(path / name) for name in TOKENIZER_FILES if (path / name).is_file()]
    stops = read_json(path / "generation_config.json").get("eos_token_id")
    return digest_of([network, tokenizer, files, stops])
