"""Tokenizers of real models that PyPI packages carry: `mistral-common`, which comes with vLLM, has those of Mistral.

They are converted by transformers and saved like any other tokenizer of a checkpoint; where the package is absent, there are none.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tokenizers import Tokenizer

from tests.models.tokenizers import Kind, template

PACKAGE = "mistral_common"
FILES = {
    "real: Mistral 7B (SentencePiece, 32,000)": "tokenizer.model.v1",
    "real: Mistral 7B v0.3 (SentencePiece, 32,768)": "mistral_instruct_tokenizer_240323.model.v3",
}
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def converted(file: Path) -> Tokenizer:
    """Return a SentencePiece model as transformers reads it, with BOS in front of every text as Mistral has it."""
    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(file, folder / "tokenizer.model")
        (folder / "config.json").write_text('{"model_type": "llama"}')
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer", **SPECIAL}))
        made: Tokenizer = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    made.post_processor = template(made, "<s> $A")
    return made


def _data() -> Path | None:
    found = importlib.util.find_spec(PACKAGE)
    return Path(found.origin).parent / "data" if found is not None and found.origin else None


def _makers() -> dict[str, Callable[[], Tokenizer]]:
    data = _data()
    return {name: partial(converted, data / file) for name, file in FILES.items() if data and (data / file).is_file()}


REAL: dict[str, Kind] = {name: Kind(name, make, SPECIAL) for name, make in _makers().items()}
