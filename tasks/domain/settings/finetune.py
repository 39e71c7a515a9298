"""M-step: from which weights, how long and how it is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tasks.domain.settings.base import Settings
from tasks.domain.settings.model import WarmupFrom

Tracker = Literal[
    "all", "azure_ml", "clearml", "codecarbon", "comet_ml", "dagshub", "dvclive", "flyte", "kubeflow", "mlflow", "neptune", "swanlab",
    "tensorboard", "trackio", "wandb",
]  # fmt: skip


def _trackers(value: Any) -> Any:
    """TRL takes a name or several, and `none`."""
    named = (value,) if isinstance(value, str) else value
    return tuple(one for one in named if one != "none") if isinstance(named, list | tuple) else named


class FinetuneSettings(Settings):
    """M-step. The paper gives no learning rate, batch or epochs; these defaults are ours."""

    start: Literal["base", "sft", "previous"] = Field(
        "base",
        description="base: ReST-EM; sft: the base tuned on solutions by people; previous: expert iteration, ReST.",
    )
    epochs: int = Field(
        3, ge=1, description="A checkpoint each; the best on val is kept (Algorithm 1: while reward improves)."
    )
    steps: int | None = Field(
        None,
        ge=1,
        description="Optimizer steps instead of epochs, however many rows there are; one checkpoint, at the end.",
    )
    learning_rate: float = Field(1e-5, gt=0, description="Peak of the schedule.")
    batch_size: int = Field(8, ge=1, description="Rows per device and step.")
    accumulation: int = Field(1, ge=1, description="Steps whose gradients are added before the optimizer moves.")
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        "cosine", description="Of the learning rate, after the warm-up."
    )
    warmup_share: float = Field(0.03, ge=0, lt=1, description="Share of all steps in which the learning rate rises.")
    warmup_from: WarmupFrom = Field(
        "first_step",
        description="first_step: the warm-up's last step has the peak, and each step learns; zero: the first step has rate 0 and "
        "learns nothing, as in trainings before this setting, which are found again by it.",
    )
    weight_decay: float = Field(0.0, ge=0, description="Of AdamW.")
    max_grad_norm: float = Field(1.0, gt=0, description="Longer gradients are shortened to this.")
    max_length: int = Field(1024, ge=8, description="Tokens of a row; a longer row is refused with its id, never cut.")
    dtype: Literal["machine", "float32", "bfloat16", "float16"] = Field(
        "float32",
        description="Of the arithmetic; machine: what this processor or GPU computes fastest, as for the engine.",
    )
    threads: int | None = Field(None, ge=1, description="CPU only: OpenMP threads of the trainer; None: all cores.")
    gradient_checkpointing: bool = Field(False, description="Less memory for about a third more time.")
    lora_rank: int = Field(0, ge=0, description="0: all weights.")
    lora_alpha: int = Field(32, ge=1, description="Scale of the adapters, divided by the rank.")
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="On the adapters' inputs.")
    lora_saved_as: Literal["merged", "adapter"] = Field(
        "merged",
        description="LoRA: an epoch's policy is the base with the adapter merged into it, or the adapter alone, which the engine "
        "serves on the base that it has loaded: nothing is merged, no weights are loaded again, and a policy takes megabytes.",
    )
    packing: bool = Field(False, description="Needs equal weights: packing keeps only token ids and labels.")
    weights_dtype: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Of the trained weights, their gradients and the optimizer's state; bfloat16 halves all and loses small steps.",
    )
    attn_implementation: str | None = Field(
        None,
        description="transformers' attention, such as flash_attention_2; None: what the architecture needs, else sdpa.",
    )
    optimizer: str = Field(
        "adamw", description="transformers' name, such as adamw_8bit or adafactor; others than adamw are untried."
    )
    liger: bool = Field(False, description="Liger kernels, where installed; a GPU only, untried.")
    torch_compile: bool = Field(False, description="Compile the model; untried.")
    quantized_base: Literal["none", "nf4", "int8"] = Field(
        "none", description="Under LoRA, the frozen base in 4 or 8 bits by bitsandbytes; a GPU only, untried."
    )
    prefix_sharing: Literal["off", "batch", "problem"] = Field(
        "off",
        description="Compute once what the prompts of a batch begin with: few-shot text, question. problem: batches hold the "
        "rows of few problems, which shares most, in another order. A model that computes it differently trains row by row.",
    )
    save_dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32",
        description="Of the saved policies; training keeps float32. 16 bits take half the disk and round the weights.",
    )
    max_held_back_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Rows whose text cannot be a target (EOS inside, unknown characters) are left out up to this share.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Of shuffling and dropout.")
    processes: int = Field(1, ge=1, description="accelerate processes (GPUs).")
    accelerate_args: tuple[str, ...] = Field(
        (), description="Further arguments of accelerate launch (FSDP, DeepSpeed)."
    )
    report_to: Annotated[tuple[Tracker, ...], BeforeValidator(_trackers)] = Field(
        (),
        description="Trackers, as TRL takes them: tensorboard, mlflow, wandb, ..., or all. TensorBoard and MLflow get the "
        "iterations' figures, plots and samples too.",
    )
    timeout_s: float = Field(86400, gt=0, description="Seconds that one training may take.")
    NOT_CONTENT = frozenset(
        {"report_to", "timeout_s", "processes", "accelerate_args", "max_held_back_share", "threads"}
    )
    LATER = frozenset(
        {
            "save_dtype", "steps", "prefix_sharing", "weights_dtype", "attn_implementation", "optimizer", "liger",
            "torch_compile", "quantized_base", "lora_saved_as",
        }
    )  # fmt: skip

    @property
    def saves_adapters(self) -> bool:
        return self.lora_rank > 0 and self.lora_saved_as == "adapter"

    @property
    def warms_up(self) -> bool:
        return self.warmup_share > 0 and self.schedule != "constant"

    def content(self) -> dict[str, Any]:
        """Leave the kind of warm-up out where there is none, and where it is that of all trainings before the setting."""
        plain = super().content()
        if not self.warms_up or self.warmup_from == "zero":
            del plain["warmup_from"]
        return plain

    @property
    def checkpoints(self) -> int:
        """Return how many policies a training gives: one per epoch, or the one after `steps`."""
        return self.epochs if self.steps is None else 1
