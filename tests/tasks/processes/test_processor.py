"""The data type and the threads follow the processor and the size of the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.domain.settings import EngineSettings
from tasks.engines.sampling import vllm_process
from tasks.engines.weight_files import weight_bytes
from tasks.processes import processor


@pytest.mark.parametrize(
    "found, dtype",
    [
        ({"avx2", "avx512f", "avx512_bf16"}, "bfloat16"),
        ({"avx512f", "amx_bf16"}, "bfloat16"),
        ({"asimd", "bf16"}, "bfloat16"),
        ({"avx2", "avx512f"}, "float32"),
        ({"avx2"}, "float32"),
        (set(), "float32"),
    ],
)
def test_bfloat16_is_fast_where_the_processor_multiplies_it(found: set[str], dtype: str) -> None:
    assert processor.fast_dtype(frozenset(found)) == dtype


def test_flags_are_those_that_linux_names() -> None:
    named = Path("/proc/cpuinfo").read_text()
    assert processor.flags()
    assert all(f" {flag}" in named for flag in processor.flags())


def checkpoint(folder: Path, size: int) -> Path:
    with (folder / "model.safetensors").open("wb") as stream:
        stream.truncate(size)
    return folder


@pytest.mark.parametrize("megabytes, threads", [(1, "3"), (538, "4")])
def test_a_large_model_takes_the_core_that_a_small_one_leaves_to_its_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, megabytes: int, threads: str
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setattr(processor.os, "sched_getaffinity", lambda pid: range(4))
    found = vllm_process._threads(EngineSettings(), checkpoint(tmp_path, megabytes * 10**6))
    assert found["OMP_NUM_THREADS"] == threads
    assert ("OMP_WAIT_POLICY" in found) == (threads == "4")


def test_files_beside_the_weights_do_not_make_a_model_large(tmp_path: Path) -> None:
    checkpoint(tmp_path, 10**6)
    with (tmp_path / "consolidated.safetensors").open("wb") as stream:
        stream.truncate(538 * 10**6)
    assert weight_bytes(tmp_path) == 10**6


def test_what_is_set_wins_over_the_environment_and_that_over_the_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert vllm_process._threads(EngineSettings(), tmp_path)["OMP_NUM_THREADS"] == "7"
    assert vllm_process._threads(EngineSettings(threads=2), tmp_path)["OMP_NUM_THREADS"] == "2"
