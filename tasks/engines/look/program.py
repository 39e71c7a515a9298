"""The part of a look that needs transformers, as a child program: `python -m tasks.engines.look.program`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError, one_sentence
from tasks.engines.look.asked import Asked
from tasks.engines.look.served import probe_served
from tasks.engines.look.texts import check_texts
from tasks.processes.json_child import answer_lines

SAME = 1e-3  # nats: sums in another order change 1e-5
PROBE_VOCABULARY, PROBE_TOKENS, MOST_LAYERS = 512, 24, 8
LOUD = 1.2  # standard deviation of a probe's matrices, times the root of their inputs
UNMAKEABLE = (ValueError, KeyError, IndexError, AttributeError, TypeError, RuntimeError, ImportError)


def _look(message: Mapping[str, Any]) -> dict[str, Any]:
    folder, told = Path(message["folder"]), message["asked"]
    asked = Asked(**{**told, "prompts": tuple(told["prompts"]), "stop": tuple(told["stop"])})
    notes = check_texts(_tokenizer(folder), folder, asked)
    if message["served"]:
        probe_served(folder)
    return {"notes": [*notes, *(probe(folder, asked.packing) if message["probe"] else [])]}


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
        raise UserError(f"{folder.name} has no tokenizer that transformers can load: {one_sentence(error)}") from error


def probe(folder: Path, packing: bool) -> list[str]:
    """An architecture without an entry in the table: a few layers of it with random weights show what it needs."""
    try:
        model = {name: _small(folder, name) for name in ("sdpa", "eager")}
        apart = _difference(*(_logprobs(one) for one in model.values() if one is not None))
    except UNMAKEABLE as error:
        raise UserError(
            f"{folder.name}: a small model of its architecture cannot be made and computed by transformers ({one_sentence(error)}); "
            "correct its config.json or take another base"
        ) from error
    name = folder.name
    if apart > SAME:
        raise UserError(
            f"{name}: its two attention implementations differ by {apart:.2g} nats on random weights, and which one it was trained "
            "with is not known; add its needs to tasks/engines/architectures.py"
        )
    _require_causal(folder, next(one for one in model.values() if one is not None))
    if packing:
        require_apart(next(one for one in model.values() if one is not None))
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
    _shorten(text)
    text.vocab_size = PROBE_VOCABULARY
    text.bos_token_id = text.eos_token_id = text.pad_token_id = None
    torch.manual_seed(0)
    try:
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=attention).eval()
    except ValueError as error:
        if "attention implementation" in str(error):
            return None
        raise
    with torch.no_grad():
        for values in model.parameters():
            if values.dim() == 2:
                values.normal_(
                    0, LOUD / values.shape[1] ** 0.5
                )  # as first made, a short memory of another row hardly shows
    return model


def _shorten(text: Any) -> None:
    """Keep the first layers, until each kind of layer is there; lists with a value a layer are cut as well."""
    depth, kinds = text.num_hidden_layers, getattr(text, "layer_types", None) or []
    kept = max((kinds.index(kind) + 1 for kind in set(kinds)), default=0)
    text.num_hidden_layers = min(depth, max(2, min(kept, MOST_LAYERS)))
    for name, value in list(vars(text).items()):  # what is computed from others is no attribute of the instance
        if isinstance(value, list) and len(value) == depth:
            setattr(text, name, value[: text.num_hidden_layers])
    if getattr(text, "num_kv_shared_layers", 0):
        text.num_kv_shared_layers = 0  # those are the last ones, and share with layers that are cut away


def _logprobs(model: Any, ids: Any = None) -> Any:
    import torch

    with torch.no_grad():
        ids = torch.arange(3, 3 + PROBE_TOKENS)[None] if ids is None else ids
        return model(ids, use_cache=False).logits.log_softmax(-1)


def _require_causal(folder: Path, model: Any) -> None:
    """Refuse a model in which a token sees those behind it, as in models made to fill gaps."""
    import torch

    kept = PROBE_TOKENS // 2
    ids = torch.arange(3, 3 + PROBE_TOKENS)[None]
    other = torch.cat([ids[:, :kept], ids[:, kept:] + PROBE_TOKENS], dim=1)
    if _difference(_logprobs(model, ids)[:, :kept], _logprobs(model, other)[:, :kept]) > SAME:
        raise UserError(
            f"{folder.name}: in this model a token sees those behind it, so it cannot write text from left to right; set is_decoder to true in "
            "its config.json if it was trained so, or take another base"
        )


def _difference(one: Any, other: Any = None) -> float:
    return 0.0 if other is None else float((one - other).abs().max())


def require_apart(model: Any) -> None:
    """Raise UserError where this model does not keep two packed rows apart, laid out by the trainer's collator."""
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
