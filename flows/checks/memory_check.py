"""Refuses a run whose engine or trainer does not fit the memory it will have, and says what would fit."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.checks.memory import Shape, engine_bytes, gpu_engine_bytes, shape_of, training_bytes
from flows.config import RunConfig
from tasks.domain.chat_template import template_of
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy, Problem
from tasks.domain.settings import FinetuneSettings
from tasks.engines.weight_files import holds_a_model

CHARACTERS_A_TOKEN = (
    3  # of English and digits under the vocabularies of today; fewer than the mean, so that rows are not too short
)
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True)
class Device:
    """What the engine and the trainer share, a GPU or this machine's memory."""

    name: str
    bytes: int
    gpu: bool


@dataclass(frozen=True)
class Needs:
    """Predicted peaks. `together` says that the engine stays in memory while the trainer runs."""

    device: Device
    engine: int
    trainer: int
    together: bool

    @property
    def peak(self) -> int:
        return self.engine + self.trainer if self.together else max(self.engine, self.trainer)


def device_here() -> Device:
    """Return the first GPU that the driver lists, else the memory that this machine or its container has."""
    if shutil.which("nvidia-smi"):
        asked = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
        lines = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
        if lines:
            name, _, mebibytes = lines[0].rpartition(",")
            return Device(name, int(mebibytes) << 20, gpu=True)
    limits = [int(text) for file in CGROUP_LIMITS if file.is_file() and (text := file.read_text().strip()).isdigit()]
    import psutil

    return Device("this machine", min([psutil.virtual_memory().total, *limits]), gpu=False)


def needs_of(config: RunConfig, base: Policy, problems: Iterable[Problem], device: Device) -> Needs | None:
    """Predict the peaks for a base on this machine; None where nothing is known of it, or other machines do the work."""
    folder = Path(base.uri)
    if not holds_a_model(folder) or config.run.execution != "inline":
        return None
    return _needs(config, shape_of(folder), row_tokens(config, problems), device)


def row_tokens(config: RunConfig, problems: Iterable[Problem]) -> int:
    """Return about how many tokens the longest row has: its prompt and a completion of full length, up to max_length."""
    template = template_of(config.model)
    longest = max((len(template.render(one, config.model.shots)) for one in problems), default=0)
    return min(config.finetune.max_length, longest // CHARACTERS_A_TOKEN + config.generate.max_tokens)


def _needs(config: RunConfig, shape: Shape, tokens: int, device: Device) -> Needs:
    own = config.engine.kind in ("vllm", "hf")
    engine = (gpu_engine_bytes if device.gpu else engine_bytes)(shape, config.engine) if own else 0
    trains = config.loop.iterations > 0
    keeps = config.engine.residency == "keep" or (config.engine.residency in ("auto", "sleep") and not device.gpu)
    trainer = training_bytes(shape, config.finetune, tokens, gpu=device.gpu) if trains else 0
    return Needs(device, engine, trainer, together=own and trains and keeps)


def check_memory(config: RunConfig, base: Policy, problems: Iterable[Problem], device: Device | None = None) -> None:
    """Raise UserError where a predicted peak is more than the device has."""
    device = device or device_here()
    rows = list(problems)
    needs = needs_of(config, base, rows, device)
    if needs is None or needs.peak <= device.bytes:
        return
    shape, tokens = shape_of(Path(base.uri)), row_tokens(config, rows)
    if needs.engine > device.bytes:
        raise UserError(
            f"serving {base.name} takes about {_gib(needs.engine)} but {device.name} has {_gib(device.bytes)}; take a "
            "smaller base, lower engine.kv_cache_gib or engine.max_model_len, or set engine.tensor_parallel_size"
        )
    what = "training beside the server" if needs.together else "training"
    raise UserError(
        f"{what} takes about {_gib(needs.peak)} but {device.name} has {_gib(device.bytes)}; "
        f"{_remedy(config, shape, tokens, device)}"
    )


def _remedy(config: RunConfig, shape: Shape, tokens: int, device: Device) -> str:
    """Return the first change of settings with which it fits."""
    for words, engine, changed in _changes(config):
        tried = config.model_copy(update={"finetune": changed, "engine": engine})
        if (needs := _needs(tried, shape, tokens, device)).peak <= device.bytes:
            return f"with {words} it takes {_gib(needs.peak)}"
    return (
        "no setting makes it fit; take a smaller base, or more devices with FSDP (finetune.processes, accelerate_args)"
    )


def _changes(config: RunConfig) -> Iterator[tuple[str, object, FinetuneSettings]]:
    """Yield ever larger changes, the ones that leave the result as it is first."""
    finetune, engine = config.finetune, config.engine
    stopped = engine.model_copy(update={"residency": "stop"})
    yield 'engine.residency = "stop"', stopped, finetune
    total = finetune.batch_size * finetune.accumulation
    less = finetune.model_copy(update={"batch_size": 1, "accumulation": total, "gradient_checkpointing": True})
    words = (
        f'engine.residency = "stop", finetune.batch_size = 1, accumulation = {total} and gradient_checkpointing = true'
    )
    yield words, stopped, less
    yield f"{words}, and lora_rank = 16", stopped, less.model_copy(update={"lora_rank": 16})
    half = less.model_copy(update={"lora_rank": 16, "dtype": "bfloat16"})
    yield f"{words}, lora_rank = 16 and dtype = bfloat16", stopped, half


def _gib(amount: int) -> str:
    return f"{amount / 2**30:.1f} GiB"
