"""Predicts the peak memory of the trainer and of the engine from the model's config, before either starts.

The counts of weights, gradients and moments are exact. What a process holds besides was fitted on random Llamas of 10M and 75M
parameters on the CPU, and compared on one of 40M (`python -m tests.benchmarks memory`, docs/models.md): trainer (full, with
checkpointing, LoRA) and server were within 1.5 % of what was measured. On a GPU the constants were fitted on one model of 135M parameters
in bfloat16 on one H200 and compared there on one of 0.7B: within 12 % (`make gpu`, docs/results.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from tasks.domain.settings import EngineSettings, FinetuneSettings
from tasks.engines.architectures import read_config
from tasks.engines.weight_files import shapes_in

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "machine": 4}
BASE_BYTES = {"nf4": 0.56, "int8": 1.0}  # a weight of a quantised base, with its scales
FULL_COPIES = 4  # weights, gradients and AdamW's two moments
TRAINER_BYTES = 690 << 20
GPU_CONTEXT_BYTES = 1 << 30  # CUDA's context and its libraries' workspaces
SERVER_BYTES = 1330 << 20
LOADING_COPIES = 1.75  # of the weights: the server's own, and most of the checkpoint's pages that it read them from
ACTIVATION_COPIES = 0.93
LORA_ACTIVATION_COPIES = 1.5  # each adapted layer keeps one more output
HEAD_COPIES = 8.0  # of the targets' logits in float32; freed blocks of that size stay in the process
# norms and the residual stream stay float32
GPU_ACTIVATION_COPIES = {"float32": 1.0, "bfloat16": 0.66, "float16": 0.66}
GPU_HEAD_COPIES = 2.0


@dataclass(frozen=True)
class Shape:
    """What decides memory. `linear` counts weights that LoRA adapts per unit of rank: the sum of in + out widths."""

    parameters: int
    hidden: int
    intermediate: int
    layers: int
    vocabulary: int
    heads: int
    kv_heads: int
    head_width: int

    @property
    def layer_values(self) -> int:
        """Return the values of one token that a layer keeps for its backward pass, counted from the Llama block."""
        attention = self.heads * self.head_width
        keys = self.kv_heads * self.head_width
        return 6 * self.hidden + 3 * attention + 4 * keys + 4 * self.intermediate

    @property
    def adapter_width(self) -> int:
        """Return the sum of input and output widths of the linear layers, which LoRA multiplies by its rank."""
        attention, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        one = 2 * (self.hidden + attention) + 2 * (self.hidden + keys) + 3 * (self.hidden + self.intermediate)
        return self.layers * one


def shape_of(folder: Path) -> Shape:
    """Read a checkpoint's config and the headers of its weights."""
    config = read_config(folder)

    def number(*names: str, default: int = 0) -> int:
        return int(next((config[name] for name in names if config.get(name)), default))

    hidden, heads = number("hidden_size", "n_embd", "d_model"), number("num_attention_heads", "n_head", default=1)
    return Shape(
        parameters=parameters_in(folder), hidden=hidden,
        intermediate=number("intermediate_size", "n_inner", "ffn_dim", default=4 * hidden),
        layers=number("num_hidden_layers", "n_layer", default=1), vocabulary=number("vocab_size"), heads=heads,
        kv_heads=number("num_key_value_heads", default=heads), head_width=number("head_dim", default=hidden // heads),
    )  # fmt: skip


def parameters_in(folder: Path) -> int:
    """Count the parameters of a checkpoint by the headers of the files that are loaded; UserError for damaged ones."""
    return sum(math.prod(shape) for shape in shapes_in(folder).values())


def training_bytes(
    shape: Shape, settings: FinetuneSettings, row_tokens: int, gpu: bool = False, target_share: float = 0.5
) -> int:
    """Predict the trainer's peak with rows of `row_tokens`, of which this share are targets: resident memory, or that of one GPU."""
    beside = GPU_CONTEXT_BYTES if gpu else TRAINER_BYTES
    copies = _gpu_copies(settings) if gpu else _cpu_copies(settings)
    tokens = settings.batch_size * row_tokens
    return beside + _weights_bytes(shape, settings) + _activation_bytes(shape, settings, tokens, target_share, copies)


def _weights_bytes(shape: Shape, settings: FinetuneSettings) -> int:
    """Return weights, gradients and AdamW's moments; FSDP spreads them. Under LoRA the base has no gradients."""
    if settings.lora_rank:
        adapters = settings.lora_rank * shape.adapter_width
        base = BASE_BYTES.get(settings.quantized_base, BYTES[settings.dtype])
        return round(shape.parameters * base) + adapters * 4 * FULL_COPIES
    spread = settings.processes if any("fsdp" in word for word in settings.accelerate_args) else 1
    return shape.parameters * BYTES[settings.weights_dtype] * FULL_COPIES // spread


@dataclass(frozen=True)
class Copies:
    """How many float32 copies there are of what the layers keep, and of the logits of the targets."""

    kept: float
    head: float


def _cpu_copies(settings: FinetuneSettings) -> Copies:
    return Copies(LORA_ACTIVATION_COPIES if settings.lora_rank else ACTIVATION_COPIES, HEAD_COPIES)


def _gpu_copies(settings: FinetuneSettings) -> Copies:
    return Copies(GPU_ACTIVATION_COPIES.get(settings.dtype, 1.0), GPU_HEAD_COPIES)


def _activation_bytes(
    shape: Shape, settings: FinetuneSettings, tokens: int, target_share: float, copies: Copies
) -> int:
    layer = shape.layer_values * copies.kept
    kept = shape.layers * shape.hidden + layer if settings.gradient_checkpointing else shape.layers * layer
    return round(4 * (tokens * kept + tokens * target_share * shape.vocabulary * copies.head))


def engine_bytes(shape: Shape, settings: EngineSettings) -> int:
    """Predict what a vLLM server on the CPU holds, all its processes together."""
    width = BYTES.get(settings.dtype, 4)
    return SERVER_BYTES + round(shape.parameters * width * LOADING_COPIES + settings.kv_cache_gib * 2**30)


def gpu_engine_bytes(shape: Shape, settings: EngineSettings) -> int:
    """Return the least that the server needs on each GPU: its share of the weights, one full sequence's KV cache, working space.

    It takes `gpu_memory_utilization` of the card whatever the model, so the rest must be in that share.
    """
    width = BYTES.get(settings.dtype, 2)
    sequence = 2 * shape.layers * shape.kv_heads * shape.head_width * (settings.max_model_len or 4096) * width
    least = (shape.parameters * width + sequence) / settings.tensor_parallel_size + GPU_CONTEXT_BYTES
    return round(least / settings.gpu_memory_utilization)
