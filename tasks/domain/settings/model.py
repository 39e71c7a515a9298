"""The base model, and how prompts are written for it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.domain.settings.base import Settings

WarmupFrom = Literal["first_step", "zero"]


class ChatSettings(Settings):
    """How a model's own chat template is used (`model.prompt = "tokenizer"`).

    The last three fields are read from the base's tokenizer when a run is checked; a `template` of one's own (Jinja, as
    tokenizers write it) takes the place of the tokenizer's.
    """

    system: str = Field(
        "", description="System text of problems that bring none; empty: what the template does by itself."
    )
    examples: str = Field("gsm8k", description="Built-in template whose worked examples become turns (model.shots).")
    thinking: Literal["default", "on", "off"] = Field(
        "default", description="Of templates that know enable_thinking; default: what the template does without it."
    )
    reasoning: Literal["keep", "drop"] = Field(
        "keep", description="drop: the text between <think> and </think> is not trained on."
    )
    template: str = Field("", description="The chat template; empty: that of the base's tokenizer.")
    tokens: dict[str, str] = Field(default_factory=dict, description="Special tokens that the template names; read.")
    end: str = Field("", description="The text that ends the assistant's turn; read.")
    NOT_CONTENT = frozenset({"reasoning"})  # of the target only; materialize has it in its key


class ModelSettings(Settings):
    """The base model, and how prompts are written for it."""

    LATER = frozenset({"chat"})

    base: str = Field(
        "builtin:arithmetic",
        description="builtin:arithmetic, builtin:arithmetic_hints (for a second try with a hint), builtin:programs, a folder, an "
        "fsspec URL, or a Hub id.",
    )
    revision: str | None = Field(None, description="Hub revision of the base; resolved to a commit when planned.")
    prompt: str = Field(
        "arithmetic",
        description="Prompt template by name: arithmetic, programs, gsm8k, math, code, chat (ChatML), plain; tokenizer: the model's own.",
    )
    chat: ChatSettings = ChatSettings()
    shots: int = Field(
        0, ge=0, le=16, description="Few-shot examples in the prompt, in sampling and in training alike."
    )
    pretrain_steps: int = Field(600, ge=1, description="builtin: only: steps of base pre-training.")
    pretrain_seed: int = Field(0, ge=0, lt=2**31, description="builtin: only.")
    pretrain_warmup_from: WarmupFrom = Field(
        "zero",
        description="builtin: only. zero: the first step has rate 0, as in the bases that all published figures start from; "
        "first_step: each step learns, which makes another base.",
    )
