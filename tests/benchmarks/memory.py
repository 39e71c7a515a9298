"""Peak memory of the trainer and of the vLLM server against what `flows/checks/memory.py` predicts, each in a process of its own, on the CPU.

Random Llamas of several sizes; the constants in `flows.checks.memory.py` were fitted on `small` and `large`, `middle` was not seen.
RESTEM_BENCH_ENGINE=0 leaves the server out, and then docs/models.md as it is; else its section there is written.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from flows.checks.memory import engine_bytes, shape_of, training_bytes
from tasks.domain.schema import Example, Policy, Sampling, to_table
from tasks.domain.settings import EngineSettings, FinetuneSettings
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost
from tasks.engines.training.trainer import TrainJob, train
from tests.benchmarks._sections import commit, put, table
from tests.models.tokenizers import KINDS, write_tokenizer


@dataclass(frozen=True)
class Size:
    hidden: int
    layers: int
    vocabulary: int
    row_tokens: int


SIZES = {"small": Size(256, 8, 16384, 256), "large": Size(640, 12, 32768, 192), "middle": Size(512, 8, 32768, 256)}
WAYS: dict[str, dict[str, Any]] = {
    "full": {},
    "checkpointing": {"gradient_checkpointing": True},
    "lora": {"lora_rank": 8},
}
ROWS = 8
PAGE, TITLE = Path("docs/models.md"), "Peak memory, predicted and measured"
WORDS = """Written by `python -m tests.benchmarks memory` on the CPU: what `restem plan` predicts (`flows/checks/memory.py`) against the peak of the
trainer's process after two steps of 8 rows, and of the vLLM server's processes after 16 completions. Random Llamas of 10M (*small*), 75M
(*large*) and 40M parameters (*middle*). Figures of GPUs are in [results.md](results.md)."""


def main() -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, size in SIZES.items():
            base = write(Path(folder) / name, size)
            for way, settings in WAYS.items():
                figures[f"train {name} {way}"] = trained(base, size, Path(folder) / f"{name}-{way}", settings)
                print(name, way, figures[f"train {name} {way}"], flush=True)
            if os.environ.get("RESTEM_BENCH_ENGINE") != "0":
                figures[f"serve {name}"] = served(base, Path(folder) / f"{name}-served")
                print(name, figures[f"serve {name}"], flush=True)
    if os.environ.get("RESTEM_BENCH_ENGINE") != "0":
        put(PAGE, TITLE, page(figures))
    return figures


def page(figures: dict[str, dict[str, float]]) -> str:
    """Return the section: a row a size and way, and the largest error of each kind on the size that the fit did not see."""
    rows = [
        (name, f"{one['predicted_gib']:.2f}", f"{one['measured_gib']:.2f}", f"{one['off']:+.1%}")
        for name, one in figures.items()
    ]
    worst = max(abs(one["off"]) for name, one in figures.items() if "middle" in name)
    said = f"Fitted on *small* and *large*; on *middle*, which the fit did not see, at most {worst:.1%} off. Measured at commit {commit()}."
    return f"{WORDS}\n\n{said}\n\n{table(('', 'predicted, GiB', 'measured, GiB', 'off'), rows)}"


def write(folder: Path, size: Size) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir()
    ids = write_tokenizer(folder, KINDS["characters"])
    config = LlamaConfig(
        vocab_size=size.vocabulary, hidden_size=size.hidden, intermediate_size=size.hidden * 8 // 3,
        num_hidden_layers=size.layers, num_attention_heads=size.hidden // 64, num_key_value_heads=size.hidden // 128,
        max_position_embeddings=2048, tie_word_embeddings=True, **ids,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def trained(base: Path, size: Size, folder: Path, settings: dict[str, Any]) -> dict[str, float]:
    """Train two steps, the second of which has the optimizer's state, on rows that are half prompt, half target."""
    half = "1" * (size.row_tokens // 2 - 1)
    rows = [Example(f"p{at}", at, half, half, 1.0, 1.0) for at in range(2 * ROWS)]
    folder.mkdir()
    pq.write_table(to_table(rows, Example), folder / "rows.parquet")
    chosen = FinetuneSettings(batch_size=ROWS, epochs=1, max_length=size.row_tokens + 8, **settings)
    job = TrainJob(base, (folder / "rows.parquet",), folder / "out", chosen, len(rows), "bench")
    peak = train(job, log_path=folder / "log").peak_bytes
    return compared(training_bytes(shape_of(base), chosen, size.row_tokens), peak)


def served(base: Path, folder: Path) -> dict[str, float]:
    settings = EngineSettings(kv_cache_gib=0.5, max_in_flight=16, dtype="float32")
    host = EngineHost(settings, lambda policy: base, folder)
    try:
        with host.serving(Policy("0" * 16, str(base), "bench")) as session:
            requests = [DrawRequest(str(at), "12345", (0,)) for at in range(16)]
            list(session.sample(requests, Sampling(temperature=1.0, top_k=0, max_tokens=64)))
            peak = tree_peak(host.engine._process.child.pid)  # type: ignore[attr-defined]
    finally:
        host.close()
    return compared(engine_bytes(shape_of(base), settings), peak)


def tree_peak(pid: int) -> int:
    """Sum the peaks of a process and all below it."""
    found = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(high_water(one.pid) for one in found)


def high_water(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def compared(predicted: int, measured: int) -> dict[str, float]:
    return {
        "predicted_gib": round(predicted / 2**30, 3), "measured_gib": round(measured / 2**30, 3),
        "off": round(predicted / measured - 1, 3),
    }  # fmt: skip
