"""Loads the folder of a base or a policy as a transformers model: a whole one, or an adapter over its base. It imports torch when called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.domain.adapters import adapter_in
from tasks.domain.errors import UserError, one_sentence
from tasks.engines.architectures import attention_of


def policy_model(folder: Path, dtype: str) -> Any:
    """Return the model, for inference, with all weights in `dtype`. An adapter is not merged: its product is added to each layer's."""
    import torch

    adapter, wanted = adapter_in(folder), getattr(torch, dtype)
    whole = folder if adapter is None else adapter.base
    model = load_whole(whole, dtype=wanted, attn_implementation=attention_of(whole))
    if adapter is None:
        return model.eval()
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(adapter.path)).to(wanted).eval()


def load_whole(folder: Path, **arguments: Any) -> Any:
    """Return a checkpoint's model; the arguments are those of `from_pretrained`.

    UserError where its weights are not what its config asks for, or hold values that are no numbers. Of itself transformers warns of
    weights that are missing and makes them up at random, anew in each process.
    """
    from transformers import AutoModelForCausalLM

    try:
        model, told = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, ignore_mismatched_sizes=True, **arguments
        )
    except (OSError, ValueError, KeyError, AssertionError) as error:
        raise UserError(f"{folder} has no model that transformers can load: {one_sentence(error)}") from error
    if missing := sorted(told["missing_keys"]):
        raise UserError(f"{folder.name} lacks {len(missing)} of its weights, the first is {missing[0]}; copy it again")
    if other := sorted(told["mismatched_keys"]):
        name, found, wanted = other[0]
        raise UserError(
            f"{name} of {folder.name} has the shape {list(found)} where its config.json asks for {list(wanted)}; "
            "correct the config, or copy the weights again"
        )
    _check_numbers(folder, model)
    return model


def _check_numbers(folder: Path, model: Any) -> None:
    import torch

    for name, values in model.named_parameters():
        if (
            values.is_floating_point()
            and not values.is_meta
            and not torch.isfinite(values.detach().sum(dtype=torch.float32))
        ):
            raise UserError(f"{name} of {folder.name} holds values that are no numbers; copy the weights again")
