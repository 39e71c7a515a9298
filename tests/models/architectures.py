"""Tiny random models of many architectures, each as an ordinary Hugging Face folder; and what is different about each.

The sizes are the smallest that vLLM's attention on the CPU takes (heads of at least 32). Weights are random, and large
enough that a wrong mask, a lost cap or old weights change log-probabilities by far more than rounding does.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tests.models.tokenizers import KINDS, Kind, write_tokenizer

VOCABULARY = 320  # at least as many as the tokenizer has
HIDDEN, MLP, LAYERS, HEADS, POSITIONS = 64, 128, 2, 2, 256
MOE = {
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 64,
    "output_router_logits": True,
    "router_aux_loss_coef": 0.01,
}
LATENT = {
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 32,
    "qk_rope_head_dim": 64,
    "v_head_dim": 32,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 64,
    "first_k_dense_replace": 1,
    "n_group": 1,
    "topk_group": 1,
}  # DeepSeek's attention over compressed keys and values, of the one size that vLLM's kernel on the CPU takes
LINEAR = {
    "head_dim": 32,
    "layer_types": ["linear_attention", "full_attention"],
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 2,
}
SCALE = 0.15  # standard deviation of the weights
BALANCE = (
    "e_score_correction_bias",
    "expert_bias",
)  # what a router adds to choose experts, zero in a new model and not in a trained one


@dataclass(frozen=True)
class Architecture:
    """A `model_type` of transformers with the settings of its config that the common names do not give."""

    model_type: str
    config: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    dtype: str = "auto"  # of the served weights

    @property
    def label(self) -> str:
        return self.name or self.model_type


GPT2_NAMES = {
    "n_embd": HIDDEN,
    "n_layer": LAYERS,
    "n_head": HEADS,
    "n_positions": POSITIONS,
    "n_inner": MLP,
    **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
}  # a loss without chance
ARCHITECTURES = (
    Architecture("llama"),
    Architecture("mistral", {"sliding_window": 16}),
    Architecture("qwen2", {"use_sliding_window": False}),
    Architecture("qwen3", {"head_dim": 32}),
    Architecture("qwen2_moe", {**MOE, "num_experts": 4, "shared_expert_intermediate_size": 64, "decoder_sparse_step": 1}),
    Architecture("qwen3_moe", {**MOE, "num_experts": 4, "head_dim": 32, "decoder_sparse_step": 1}),
    Architecture("mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2, "output_router_logits": True, "sliding_window": None}),
    Architecture("olmoe", {"num_experts": 4, "num_experts_per_tok": 2, "output_router_logits": True}),
    Architecture("gemma", {"head_dim": 32}),
    Architecture("gemma2", {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 16, "attn_logit_softcapping": 2.0, "tie_word_embeddings": True}),
    Architecture("gemma3_text", {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 16}),
    Architecture("phi", {"partial_rotary_factor": 0.5}),
    Architecture("phi3", {"pad_token_id": 0}),
    Architecture("gpt2", GPT2_NAMES),
    Architecture("gpt_neox", {"rotary_pct": 0.25}),
    Architecture("gptj", {**GPT2_NAMES, "rotary_dim": 16}),
    Architecture("gpt_bigcode", {**GPT2_NAMES, "multi_query": True, "tie_word_embeddings": True}),
    Architecture("falcon", {"new_decoder_architecture": False, "multi_query": True, "parallel_attn": True, "bias": False, "alibi": False, "ffn_hidden_size": 4 * HIDDEN}),
    Architecture("falcon", {"new_decoder_architecture": False, "multi_query": False, "parallel_attn": False, "bias": True, "alibi": True, "ffn_hidden_size": 4 * HIDDEN}, "falcon (ALiBi)"),
    Architecture("opt", {"ffn_dim": MLP, "word_embed_proj_dim": HIDDEN, "dropout": 0.0}),
    Architecture("bloom", {"tie_word_embeddings": True, "n_layer": LAYERS, "n_head": HEADS}),
    Architecture("olmo2"),
    Architecture("granite", {"attention_multiplier": 0.125, "embedding_multiplier": 2.0, "logits_scaling": 1.5, "residual_multiplier": 0.5}),
    Architecture("starcoder2", {"sliding_window": None}),
    Architecture("stablelm"),
    Architecture("cohere", {"logit_scale": 0.5, "tie_word_embeddings": True}),
    Architecture("smollm3", {"no_rope_layers": [1, 0]}),
    Architecture("exaone4", {"sliding_window": None, "sliding_window_pattern": None, "layer_types": ["full_attention"] * LAYERS}),
    Architecture("mamba", {"state_size": 16, "time_step_rank": 4, "expand": 2}),
    Architecture("olmo3", {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}),
    Architecture("glm4", {"head_dim": 32}),
    Architecture("nemotron"),
    Architecture("cohere2", {"logit_scale": 0.5, "tie_word_embeddings": True, "sliding_window": POSITIONS, "layer_types": ["sliding_attention", "full_attention"]}),
    Architecture("ernie4_5", {"head_dim": 32, "tie_word_embeddings": True}),
    Architecture("hunyuan_v1_dense", {"head_dim": 32}),
    Architecture("apertus", {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}}),
    Architecture("seed_oss", {"head_dim": 32, "attention_dropout": 0.0, "residual_dropout": 0.0}),
    Architecture("lfm2", {"conv_dim": HIDDEN, "block_dim": HIDDEN, "layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False, "tie_word_embeddings": True}),
    Architecture("granitemoehybrid", {"layer_types": ["mamba", "attention"], "num_local_experts": 0, "shared_intermediate_size": MLP, "mamba_n_heads": 4, "mamba_d_head": 32, "mamba_d_state": 16, "mamba_chunk_size": 32}),
    Architecture("qwen3_5_text", LINEAR, dtype="bfloat16"),
    Architecture("falcon_h1", {"mamba_d_ssm": HIDDEN, "mamba_n_heads": 2, "mamba_d_head": 32, "mamba_d_state": 16, "mamba_chunk_size": 32, "head_dim": 32}),
    Architecture("gpt_oss", {"num_local_experts": 4, "num_experts_per_tok": 2, "output_router_logits": True, "head_dim": 32, "sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}),
    Architecture("deepseek_v2", {**LATENT, "q_lora_rank": None, "topk_method": "greedy"}),
    Architecture("deepseek_v3", {**LATENT, "q_lora_rank": 32, "topk_method": "noaux_tc", "scoring_func": "sigmoid"}),
    Architecture("qwen3_next", {**LINEAR, **MOE, "num_experts": 4, "shared_expert_intermediate_size": 64}, dtype="bfloat16"),
    Architecture("glm", {"head_dim": 32}),
    Architecture("gemma4_text", {"num_hidden_layers": 4, "head_dim": 32, "global_head_dim": 32, "sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"] * 2, "num_kv_shared_layers": 2, "hidden_size_per_layer_input": 32, "vocab_size_per_layer_input": VOCABULARY}),
    Architecture("granitemoe", {"num_local_experts": 4, "num_experts_per_tok": 2, "output_router_logits": True}),
    Architecture("ministral3", {"head_dim": 32}),
    Architecture("nemotron_h", {"layers_block_type": ["mamba", "attention"], "mamba_num_heads": 4, "mamba_head_dim": 32, "ssm_state_size": 16, "head_dim": 32, "n_groups": 1, "chunk_size": 32}),
    Architecture("glm4_moe", {"head_dim": 32, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1, "moe_intermediate_size": 64, "first_k_dense_replace": 1}),
    Architecture("ernie4_5_moe", {"head_dim": 32, "moe_num_experts": 4, "moe_k": 2, "moe_intermediate_size": 64, "moe_layer_start_index": 1, "moe_layer_end_index": 1, "moe_num_shared_experts": 1, "tie_word_embeddings": True}),
    Architecture("lfm2_moe", {"conv_dim": HIDDEN, "layer_types": ["conv", "full_attention"], "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 64, "num_dense_layers": 1, "tie_word_embeddings": True}),
    Architecture("phimoe", {"num_local_experts": 4, "num_experts_per_tok": 2, "output_router_logits": True}),
    Architecture("mamba2", {"state_size": 16, "num_heads": 4, "head_dim": 32, "expand": 2, "n_groups": 1, "chunk_size": 32}),
    Architecture("falcon_mamba", {"state_size": 16, "time_step_rank": 4, "expand": 2}),
    Architecture("arcee"),
    Architecture("olmo"),
    Architecture("mpt", {"d_model": HIDDEN, "n_heads": HEADS, "n_layers": LAYERS, "max_seq_len": POSITIONS}),
    Architecture("nanochat", {"head_dim": 32}),
)  # fmt: skip
BY_LABEL = {one.label: one for one in ARCHITECTURES}


def write_model(folder: Path, architecture: Architecture, seed: int = 0, tokenizer: str | Kind = "byte-level") -> Path:
    """A folder with random weights and a tokenizer of the given kind, by its name in `tests.models.tokenizers` or itself."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    folder.mkdir(parents=True)
    ids = write_tokenizer(folder, KINDS[tokenizer] if isinstance(tokenizer, str) else tokenizer)
    size = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    sizes = {"vocab_size": max(VOCABULARY, size)}
    config = AutoConfig.for_model(architecture.model_type, **{**_common(), **sizes, **ids, **architecture.config})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        for name, values in model.named_parameters():
            _fill(name, values)
        for name, values in model.named_buffers():
            if name.endswith(BALANCE):
                values.copy_(torch.randn_like(values) * SCALE)
    model.save_pretrained(folder)
    return folder


def with_files_of(model: Path, target: Path, changed: Mapping[str, Mapping[str, Any]]) -> Path:
    """A copy of a folder in which JSON files have other values (None takes a key away)."""
    shutil.copytree(model, target)
    for name, values in changed.items():
        path = target / name
        known = json.loads(path.read_text()) if path.exists() else {}
        merged = {key: value for key, value in {**known, **values}.items() if value is not None}
        path.write_text(json.dumps(merged))
    return target


def _common() -> dict[str, Any]:
    return {
        "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "intermediate_size": MLP, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "num_key_value_heads": HEADS, "max_position_embeddings": POSITIONS,
        "tie_word_embeddings": False,
    }  # fmt: skip


def _fill(name: str, values: Any) -> None:
    """Matrices become noise; norms, biases and state spaces keep a little of it, so that nothing is neutral."""
    import torch

    with torch.no_grad():
        if values.dim() >= 2 and "conv" not in name and "A_log" not in name:
            values.normal_(0, SCALE)
        else:
            values.add_(torch.randn_like(values) * 0.05)
