"""Says what each architecture needs for sampling, proof and training, by one table that reads config.json alone.

Each entry was tried with tiny random weights (docs/models.md, `make bench`); a name without an entry is probed before its first use
(`tasks.engines.look`). Facts that follow from a config's values, whatever the name, stand in `needs_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tasks.engines.model_json import read_json

Attention = Literal["sdpa", "eager"]


@dataclass(frozen=True)
class Needs:
    """What an architecture needs. `attention` is None for the library's own choice. `reload` says that weights can be exchanged in a
    running vLLM server on the CPU.

    `packing` says that rows packed into one sequence stay apart, `router_loss` that the trainer adds a load-balancing loss.
    `refused` is why this architecture cannot be used at all, with the remedy, `unserved_on_cpu` why vLLM does not serve it on the CPU. `window` is
    the longest context in which vLLM computes what transformers does (0: any), `fields` what vLLM reads of config.json and transformers
    does not write by itself, `cpu_dtype` the only dtype of vLLM's kernel on the CPU ("": any).
    """

    attention: Attention | None = None
    reload: bool = True
    packing: bool = True
    router_loss: bool = False
    refused: str = ""
    unserved_on_cpu: str = ""
    window: int = 0
    fields: tuple[str, ...] = ()
    cpu_dtype: str = ""
    known: bool = True


PLAIN = Needs()
MIXED = Needs(
    packing=False
)  # positions by ALiBi, by the model's own count, or a recurrent state: packed rows see each other
OTHERWISE = "which vLLM computes otherwise than transformers"
NO_SCAN = "for whose selective scan vLLM has no kernel on the CPU"
NO_BALANCE = "whose router adds a balance to choose experts, which vLLM leaves out on the CPU"
NO_EXPERTS = "whose experts vLLM cannot run through transformers' code"
TABLE: Mapping[str, Needs] = {
    **dict.fromkeys(
        (
            "llama", "mistral", "qwen2", "qwen3", "qwen2_moe", "qwen3_moe", "mixtral", "olmoe", "gemma", "gemma2",
            "gemma3_text", "phi", "phi3", "gpt2", "gpt_neox", "gptj", "olmo2", "granite", "starcoder2",
            "stablelm", "cohere", "smollm3", "exaone4", "olmo3", "glm4", "nemotron", "cohere2", "ernie4_5",
            "hunyuan_v1_dense", "apertus", "seed_oss", "glm", "gemma4_text", "granitemoe", "ministral3", "arcee", "olmo",
            "nanochat", "deepseek_v2", "glm4_moe",
        ),
        PLAIN,
    ),
    **dict.fromkeys(("falcon", "opt", "bloom", "falcon_h1", "gpt_oss", "granitemoehybrid", "lfm2_moe", "nemotron_h", "mamba2"), MIXED),
    "lfm2": replace(MIXED, fields=("block_dim", "conv_dim")),
    "deepseek_v3": replace(PLAIN, fields=("topk_method", "scoring_func")),
    "gpt_bigcode": Needs(unserved_on_cpu=OTHERWISE),
    "ernie4_5_moe": Needs(unserved_on_cpu=NO_BALANCE),
    "phimoe": Needs(unserved_on_cpu=NO_EXPERTS),
    **dict.fromkeys(("mamba", "falcon_mamba"), replace(MIXED, unserved_on_cpu=NO_SCAN)),
}  # fmt: skip
IN_BFLOAT16 = (
    "qwen3_next",
    "qwen3_5",
    "qwen3_5_text",
    "qwen3_5_moe",
    "qwen3_5_moe_text",
)  # linear attention in vLLM's kernel
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


def read_config(folder: Path) -> dict[str, Any]:
    """Read config.json of a checkpoint; in a multimodal model its text part is laid over the rest."""
    return with_text_part(read_json(folder / "config.json"))


def with_text_part(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with its text part, which a multimodal model has, laid over the rest."""
    return {**config, **(config.get("text_config") or {})}


def needs_of(config: Mapping[str, Any]) -> Needs:
    """Return what a model with this config needs; `known` is false where the table has no entry."""
    needs = TABLE.get(str(config.get("model_type")), Needs(known=False))
    if config.get("attn_logit_softcapping"):
        # sdpa has no place for the cap and leaves it out without a word; vLLM and transformers' eager attention apply it
        needs = replace(needs, attention="eager")
    if has_experts(config):
        # vLLM packs expert weights at the start and keeps the packed ones on a reload (0.32, CPU)
        needs = replace(needs, router_loss=True, reload=False)
    if config.get("model_type") in IN_BFLOAT16:
        needs = replace(needs, cpu_dtype="bfloat16")
    if config.get("model_type") == "cohere2":
        # vLLM's sliding layers see one token more than transformers' (0.32: its window is the config's plus one)
        needs = replace(needs, window=int(config.get("sliding_window") or 0))
    if config.get("model_type") == "cohere" and config.get("tie_word_embeddings") is False:
        refused = (
            "whose output head is not its embeddings; vLLM always ties the two and leaves that head out: name a model with "
            "tie_word_embeddings = true"
        )
        needs = replace(needs, refused=refused)
    return needs


def has_experts(config: Mapping[str, Any]) -> bool:
    """Return whether a model with this config sends tokens to one of several experts."""
    return any((config.get(name) or 0) > 1 for name in EXPERTS)


def positions_of(config: Mapping[str, Any]) -> int:
    """Return the context length under the names that architectures have for it."""
    names = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
    return next((int(config[name]) for name in names if config.get(name)), 2048)


def attention_of(folder: Path) -> Attention | None:
    """Return the value of `attn_implementation` with which this checkpoint is computed correctly."""
    return needs_of(read_config(folder)).attention
