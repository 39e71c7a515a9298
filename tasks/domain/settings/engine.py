"""How policies are served."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tasks.domain.extensions import ENGINES
from tasks.domain.settings.base import Settings


class EngineSettings(Settings):
    """How policies are served. Of all this only `kind`, `dtype` and `max_model_len` can change what is sampled."""

    kind: Annotated[str, AfterValidator(ENGINES.check)] = Field(
        "vllm",
        description="vllm: our own server process; hf: transformers; openai: external endpoints; replay: recorded samples.",
        json_schema_extra=ENGINES.select,
    )
    dtype: Literal["auto", "machine", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Of the served weights; auto: as in the checkpoint; machine: what this processor or GPU computes fastest, "
        "which is decided when the run is checked and stands in its keys by name.",
    )
    threads: int | None = Field(
        None, ge=1, description="CPU only: OpenMP threads of the server; None: by the size of the model."
    )
    max_model_len: int | None = Field(
        None, ge=16, description="Tokens of prompt plus completion; None: the model's own limit."
    )
    max_in_flight: int = Field(64, ge=1, description="Completions in progress at once.")
    kv_cache_gib: float = Field(1.0, gt=0, description="CPU only: KV cache of the server, GiB.")
    gpu_memory_utilization: float = Field(
        0.9, gt=0, lt=1, description="Share of the GPU's memory that the server takes."
    )
    tensor_parallel_size: int = Field(1, ge=1, description="GPUs that one copy of the model is split over.")
    data_parallel_size: int = Field(1, ge=1, description="Copies of the model, each on its own GPUs.")
    enforce_eager: bool = Field(False, description="No CUDA graphs: starts faster, runs slower. Always on for the CPU.")
    residency: Literal["auto", "keep", "sleep", "stop"] = Field(
        "auto", description="What the server does while training runs; auto: keep on the CPU, sleep on a GPU."
    )
    urls: tuple[str, ...] = Field((), description="openai: base URLs (http://host:port/v1), used in turn.")
    model: str | None = Field(None, description="openai: the model name to ask for.")
    fixed_policy: str | None = Field(None, description="openai: digest of the policy those endpoints serve.")
    replay_path: str | None = Field(None, description="replay: samples artifact (folder of parquet) to answer from.")
    start_timeout_s: float = Field(300, gt=0, description="Seconds until the server must answer.")
    request_timeout_s: float = Field(600, gt=0, description="Seconds until one completion must be there.")
    seed: int = Field(0, ge=0, lt=2**31, description="Engine seed (a per-request seed kills the CPU engine).")
    max_lora_rank: int = Field(
        0,
        ge=0,
        le=512,
        description="vllm: the server can lay adapters of up to this rank over its model; a run with "
        "finetune.lora_saved_as = adapter sets it. 0: it is started anew for the first adapter.",
    )
    extra_args: tuple[str, ...] = Field((), description="vllm: further command-line arguments of the server.")
    NOT_CONTENT = frozenset(
        {
            "max_in_flight", "kv_cache_gib", "gpu_memory_utilization", "tensor_parallel_size", "data_parallel_size",
            "enforce_eager", "residency", "urls", "model", "fixed_policy", "replay_path", "start_timeout_s",
            "request_timeout_s", "extra_args", "seed", "threads", "max_lora_rank",
        }
    )  # fmt: skip

    def content(self) -> dict[str, Any]:
        """With the version of an engine that is none of ours."""
        version = ENGINES.version(self.kind)
        return super().content() | ({} if version is None else {"engine_version": version})
