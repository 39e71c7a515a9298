"""Loads a policy's folder as a transformers model: a whole one, or an adapter over its base. It imports torch when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.domain.adapters import adapter_in
from tasks.engines.architectures import attention_of


def policy_model(folder: Path, dtype: str) -> Any:
    """Return the model, for inference, with all weights in `dtype`. An adapter is not merged: its product is added to each layer's."""
    import torch
    from transformers import AutoModelForCausalLM

    adapter, wanted = adapter_in(folder), getattr(torch, dtype)
    whole = folder if adapter is None else adapter.base
    model = AutoModelForCausalLM.from_pretrained(
        str(whole), dtype=wanted, local_files_only=True, attn_implementation=attention_of(whole)
    )
    if adapter is None:
        return model.eval()
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(adapter.path)).to(wanted).eval()
