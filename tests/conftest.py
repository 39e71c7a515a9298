"""Fixtures that several test modules share."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.domain.schema import Policy
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.host import EngineHost
from tests.operated import operated
from tests.outside import outside
from tests.recorded_run import undisturbed
from tests.side_by_side import arrange, keep_apart, scheduler
from tests.tiny_llama import write_tiny_llama

__all__ = ["operated", "outside", "undisturbed"]

TinyLlama = Callable[[int], Path]


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> TinyLlama:
    """`tiny_llama(seed)`: the folder of a random Llama; the same seed gives the same folder."""
    root = tmp_path_factory.mktemp("tiny-llama")

    def make(seed: int) -> Path:
        folder = root / str(seed)
        return folder if folder.exists() else write_tiny_llama(folder, seed=seed)

    return make


@pytest.fixture(scope="session")
def tiny_policy(tiny_llama: TinyLlama) -> Callable[[int], Policy]:
    """`tiny_policy(seed)`: that Llama as a policy."""
    return lambda seed: Policy(digest=f"{seed:016x}", uri=str(tiny_llama(seed)), name=f"tiny-{seed}")


@pytest.fixture(scope="session")
def vllm_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineHost]:
    """One vLLM server for all tests that need one (it takes half a minute to start)."""
    if importlib.util.find_spec("vllm") is None:  # found, not imported: that alone would take ten seconds
        pytest.skip("vLLM is not installed")
    settings = EngineSettings(kv_cache_gib=0.25, max_in_flight=16)
    host = EngineHost(settings, lambda policy: Path(policy.uri), tmp_path_factory.mktemp("engine-logs"))
    yield host
    host.close()


def pytest_configure(config: pytest.Config) -> None:
    keep_apart(config.rootpath / ".restem" / "tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    arrange(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With RESTEM_NO_SKIP set a test that skips because a part is missing fails: CI has every part."""
    report = yield
    if report.skipped and os.environ.get("RESTEM_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although RESTEM_NO_SKIP is set: {report.longrepr}"
    return report
