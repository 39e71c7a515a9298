"""The engine that really samples stands in every key and record."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from flows.config import RunConfig, make_config
from flows.job import check_engine_here
from flows.run import preflight
from flows.run.preflight import with_engine_at_hand, with_machine_dtypes
from tasks.domain.errors import UserError
from tasks.domain.settings import EngineSettings, FinetuneSettings
from tasks.engines.sampling import choose
from tasks.engines.sampling.choose import make_engine
from tasks.engines.sampling.hf_sampler import HfEngine


@pytest.fixture
def without_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(choose.importlib.util, "find_spec", lambda name: None if name == "vllm" else found(name))


def test_vllm_that_is_not_installed_is_replaced_and_said(
    without_vllm: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = with_engine_at_hand(RunConfig())
    assert isinstance(make_engine(config.engine, tmp_path), HfEngine)
    assert "vllm is not installed" in caplog.text


def test_what_samples_in_place_of_vllm_is_what_keys_name(without_vllm: None) -> None:
    config = RunConfig()
    assert with_engine_at_hand(config).engine.content() == EngineSettings(kind="hf").content()


def test_nothing_samples_under_the_name_of_an_engine_that_is_missing(without_vllm: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"vllm is not installed; install it, or set engine.kind to 'hf'"):
        make_engine(EngineSettings(), tmp_path)


def test_on_a_fleet_the_engine_is_the_workers_business(without_vllm: None) -> None:
    config = make_config({"run": {"execution": "deployments"}})
    assert with_engine_at_hand(config).engine.kind == "vllm"
    with pytest.raises(UserError, match="not installed on worker"):
        check_engine_here(config.engine)


@pytest.mark.parametrize("found, dtype", [({"avx512_bf16"}, "bfloat16"), ({"avx2"}, "float32")])
def test_a_data_type_that_the_machine_decides_stands_in_keys_by_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, found: set[str], dtype: str
) -> None:
    caplog.set_level("INFO", preflight.log.name)
    monkeypatch.setattr(preflight, "flags", lambda: frozenset(found))
    monkeypatch.setattr(preflight, "count_gpus", lambda: 0)
    config = with_machine_dtypes(make_config({"engine": {"dtype": "machine"}, "finetune": {"dtype": "machine"}}))
    assert config.engine.content() == EngineSettings(dtype=dtype).content()
    assert config.finetune.content() == FinetuneSettings(dtype=dtype).content()
    assert f"dtype of engine and finetune is {dtype}" in caplog.text
    assert with_machine_dtypes(RunConfig()) == RunConfig()


def test_a_fleet_has_no_machine_that_decides() -> None:
    with pytest.raises(UserError, match="name float32 or bfloat16"):
        with_machine_dtypes(make_config({"run": {"execution": "deployments"}, "finetune": {"dtype": "machine"}}))


def test_threads_are_in_no_key() -> None:
    assert EngineSettings(threads=2).content() == EngineSettings().content()
    assert FinetuneSettings(threads=2).content() == FinetuneSettings().content()
