"""The part of a look that needs transformers, as a child program: `python -m tasks.engines.look.program`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError, one_sentence
from tasks.engines.look.asked import Asked
from tasks.engines.look.texts import check_texts
from tasks.processes.json_child import answer_lines

SAME = 1e-3  # nats: sums in another order change 1e-5
PROBE_VOCABULARY, PROBE_TOKENS = 512, 24


def _look(message: Mapping[str, Any]) -> dict[str, Any]:
    folder, told = Path(message["folder"]), message["asked"]
    asked = Asked(**{**told, "prompts": tuple(told["prompts"]), "stop": tuple(told["stop"])})
    notes = check_texts(_tokenizer(folder), folder, asked)
    return {"notes": [*notes, *(probe(folder, asked.packing) if message["probe"] else [])]}


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
        raise UserError(f"{folder.name} has no tokenizer that transformers can load: {one_sentence(error)}") from error


def probe(folder: Path, packing: bool) -> list[str]:
    """An architecture without an entry in the table: two layers of it with random weights show what it needs."""
    model = {name: _small(folder, name) for name in ("sdpa", "eager")}
    apart = _difference(*(_logprobs(one) for one in model.values() if one is not None))
    name = folder.name
    if apart > SAME:
        raise UserError(
            f"{name}: its two attention implementations differ by {apart:.2g} nats on random weights, and which one it was trained "
            "with is not known; add its needs to tasks/engines/architectures.py"
        )
    if packing:
        _require_apart(next(one for one in model.values() if one is not None))
    return [
        f"architecture {_config(folder).model_type!r} is not in the table of tried ones; a probe with random weights found nothing wrong"
    ]


def _config(folder: Path) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{folder.name} is of an architecture that this transformers does not know ({one_sentence(error)}); code that comes with a model "
            "is not run: install a transformers that has it, or take another base"
        ) from error


def _small(folder: Path, attention: str) -> Any:
    """None where the architecture has no such attention implementation."""
    import torch
    from transformers import AutoModelForCausalLM

    config = _config(folder)
    text = config.get_text_config()
    text.num_hidden_layers, text.vocab_size = min(2, text.num_hidden_layers), PROBE_VOCABULARY
    text.bos_token_id = text.eos_token_id = text.pad_token_id = None
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[: text.num_hidden_layers]
    torch.manual_seed(0)
    try:
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=attention).eval()
    except ValueError as error:
        if "attention implementation" in str(error):
            return None
        raise UserError(f"{folder.name} cannot be made by transformers: {one_sentence(error)}") from error


def _logprobs(model: Any) -> Any:
    import torch

    ids = torch.arange(3, 3 + PROBE_TOKENS)[None]
    with torch.no_grad():
        return model(ids, use_cache=False).logits.log_softmax(-1)


def _difference(one: Any, other: Any = None) -> float:
    return 0.0 if other is None else float((one - other).abs().max())


def _require_apart(model: Any) -> None:
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    from tasks.engines.training.packing import require_rows_apart
    from tasks.engines.training.sft_rows import TokenRow

    rows = [TokenRow(tuple(range(start, start + 12)), 4, 1.0) for start in (3, 40)]
    require_rows_apart(model, DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True), rows)


def main() -> None:
    import transformers

    transformers.utils.logging.disable_progress_bar()
    answer_lines(_look)


if __name__ == "__main__":
    main()
