"""What a smoke test is asked to do, and how long each of its parts may take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError


@dataclass(frozen=True)
class Part:
    """A part of the test: the module that holds it among its PARTS, the seconds it may take, and the part that must not have failed before."""

    module: str
    limit_s: float
    needs: str = ""


# In the order in which they run. Parts of one module share a process, those of `serving` one server.
PARTS: Mapping[str, Part] = {
    "start": Part("tests.gpu.serving", 180),
    "reload": Part("tests.gpu.serving", 60, needs="start"),
    "sleep": Part("tests.gpu.serving", 75, needs="start"),
    "speed": Part("tests.gpu.serving", 120, needs="start"),
    "equal": Part("tests.gpu.training", 75),
    "sft": Part("tests.gpu.training", 90),
    "memory": Part("tests.gpu.training", 60),
    "iteration": Part("tests.gpu.loop", 300),
    "full": Part("tests.gpu.loop", 86400),
}
USUAL = tuple(name for name in PARTS if name != "full")
TOTAL_S = 530.0  # of the usual parts together


@dataclass(frozen=True)
class Smoke:
    """All sizes of one test. Paths are absolute texts, so that the record travels to child processes as JSON.

    `model` is a checkpoint's folder; without one a random model of the same shape serves and trains, and the loop runs the
    built-in arithmetic. `problems` is a folder with GSM8K's train.jsonl and test.jsonl.
    """

    out: str
    model: str | None = None
    problems: str | None = None
    hidden: int = 576  # the shape of SmolLM2-135M, for a random model
    layers: int = 30
    vocabulary: int = 49152
    max_model_len: int = 2048
    eager: bool = False
    gpu_memory: float = 0.6
    kv_cache_gib: float = 1.0
    in_flight: tuple[int, ...] = (64, 256, 1024)
    max_tokens: int = 128
    samples: int = 8
    rounds: int = 2
    rows: int = 320
    row_prefix: int = 600  # tokens of the made-up rows: few-shot text, question, solution at most
    row_question: int = 60
    row_solution: int = 160
    batch_size: int = 16
    steps: int = 16
    pack: int = 2048
    loop_problems: int = 500
    loop_config: str = "gsm8k-gpu-smoke"  # of deployments/configs, where model and problems are there
    seeds: tuple[int, ...] = (1, 2, 3)
    commit: str = ""
    until: float = 0.0  # clock time at which everything must have ended; 0: none

    @property
    def folder(self) -> Path:
        return Path(self.out)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Smoke:
        told = json.loads(text)
        kinds: dict[str, Any] = {field.name: field.type for field in fields(cls)}
        return cls(**{name: tuple(value) if "tuple" in kinds[name] else value for name, value in told.items()})


# What two CPU cores do in a few minutes: every part runs, and no figure says anything of a GPU.
SMALL: Mapping[str, Any] = {
    "hidden": 64, "layers": 2, "vocabulary": 512, "max_model_len": 128, "kv_cache_gib": 0.25, "in_flight": (4, 8), "max_tokens": 16,
    "samples": 4, "rounds": 1, "rows": 48, "row_prefix": 40, "row_question": 8, "row_solution": 16, "batch_size": 8, "steps": 6,
    "pack": 128, "loop_problems": 60,
}  # fmt: skip


def chosen(names: str) -> tuple[str, ...]:
    """Return the parts that a person names, in their order of running; all usual ones for none. UserError for an unknown one."""
    wanted = names.replace(",", " ").split()
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        raise UserError(f"there is no part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    return tuple(name for name in PARTS if name in wanted) if wanted else USUAL
