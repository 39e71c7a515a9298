"""`/metrics`: Prometheus's own parser reads it, and each figure is what the store holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from flows.loop.series import Series
from flows.stored.nights import Night
from flows.stored.runs import read_result
from flows.viewer.app import make_app
from flows.viewer.server_state import API_VARIABLE
from tasks.store.artifacts import Store
from tests.test_old_store import OLD

Figures = dict[tuple[str, tuple[str, ...]], float]


def figures(text: str) -> Figures:
    """Name and label values, in the order of the labels' names -> value."""
    return {
        (one.name, tuple(one.labels[name] for name in sorted(one.labels))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv(API_VARIABLE, raising=False)
    shutil.copytree(OLD / "store", tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "nights")
    return Store(str(tmp_path / "store"))


def asked(store: Store, folder: Path) -> Figures:
    answer = TestClient(make_app(store, folder), base_url="http://127.0.0.1").get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    return figures(answer.text)


def test_the_figures_of_a_run_are_those_of_its_result(store: Store, tmp_path: Path) -> None:
    found, result = asked(store, tmp_path / "view"), read_result(store, "small")
    assert found["restem_completion_tokens_total", ("train", "small")] == sum(
        row.train.completion_tokens for row in result.rows
    )
    assert found["restem_accepted_examples_total", ("small",)] == sum(row.kept_examples or 0 for row in result.rows) > 0
    assert found["restem_samples_total", ("correct", "small")] == sum(
        row.train.labels.get("correct", 0) for row in result.rows
    )
    assert found["restem_finished_iterations", ("small", result.status)] == 3
    spent = sum(
        value
        for (name, labels), value in found.items()
        if (name, labels[1:]) == ("restem_phase_seconds_total", ("small",))
    )
    assert spent == pytest.approx(sum(sum(row.seconds.values()) for row in result.rows))
    last = result.rows[-1].test
    assert last is not None and last.greedy is not None
    assert found["restem_test_pass_at_1", ("greedy", "small")] == last.greedy.value


def test_the_age_of_the_last_good_night_counts_from_its_end(store: Store, tmp_path: Path) -> None:
    series = Series(store, "nightly")
    for day, status, ended in (
        ("01", "promoted", 100.0),
        ("02", "held", 200.0),
        ("03", "failed", 300.0),
        ("04", "running", None),
    ):
        series.put(Night(f"2026-01-{day}", status, None, tokens=7, started=50.0, ended=ended))
    found = asked(store, tmp_path / "view")
    assert found["restem_last_good_night_timestamp_seconds", ("nightly",)] == 200.0
    assert found["restem_last_good_night_age_seconds", ("nightly",)] > 1e9
    assert found["restem_nights", ("nightly", "failed")] == found["restem_nights", ("nightly", "held")] == 1
    assert found["restem_last_night_tokens", ("nightly",)] == 7


def test_names_that_hold_quotes_and_lines_are_read_back_as_they_are(store: Store, tmp_path: Path) -> None:
    name = 'se"ri\\es'
    Series(store, name).put(Night("2026-01-01", "held", None, ended=1.0))
    assert asked(store, tmp_path / "view")["restem_nights", (name, "held")] == 1


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1/api", "no address"])
def test_without_a_server_the_store_is_told_all_the_same(
    store: Store, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_VARIABLE, url)
    found = asked(store, tmp_path / "view")
    assert found["restem_server_up", ()] == 0
    assert not [name for name, _ in found if name.startswith(("restem_queue", "restem_device", "restem_flow_runs"))]
    assert found["restem_finished_iterations", ("small", "completed")] == 3
