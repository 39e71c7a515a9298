"""What a run will do with a model, as far as a look at the model must know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Asked:
    """What the run will do with the model. `prompts` are some of its prompts, the longest among them.

    `solution` is a worked completion of the first prompt. `max_tokens` is the most that is drawn behind a prompt, and
    `context` what the engine is limited to (None: the model's own length). `complete` prompts hold their special tokens, and `end` is the
    text of the token that ends a target (empty: EOS). `server` is the vLLM that serves, if one does, with weights of `dtype` (`engine.dtype`).
    """

    prompts: tuple[str, ...]
    solution: str
    stop: tuple[str, ...]
    max_tokens: int
    context: int | None = None
    packing: bool = False
    complete: bool = False
    end: str = ""
    server: Literal["", "cpu", "gpu"] = ""
    dtype: str = "auto"
