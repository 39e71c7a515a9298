"""Names of flow runs: what a person typed stays, what Prefect made up becomes the name of what is worked on."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.utilities.names import generate_slug

from flows.config import RunConfig
from flows.operation import names
from flows.operation.server.interface import AUTOMATIC


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(name: str, **parameters: Any) -> None:
        run = SimpleNamespace(
            name=name, parameters=parameters, scheduled_start_time=datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
        )
        monkeypatch.setattr(names, "runtime", SimpleNamespace(flow_run=run))

    return start


def test_names_that_prefect_makes_up_are_known_and_typed_ones_are_not() -> None:
    assert all(names.is_generated(generate_slug(2)) for _ in range(300))
    assert names.is_generated(AUTOMATIC)  # what the form fills in
    assert not any(
        map(names.is_generated, ("gsm8k", "my-run", "demo-2", "a night", "Purple-python", "series-2026-03-01"))
    )


def test_a_typed_name_is_kept_and_a_retry_keeps_its_name(started: Any) -> None:
    started("before the holidays", config=RunConfig())
    assert {names.run_name(), names.night_name(), names.stage_name(), names.evaluation_name()} == {
        "before the holidays"
    }


def test_a_run_is_called_by_what_it_works_on(started: Any) -> None:
    started(
        "purple-agama", start_from="demo", config=RunConfig(), policy="demo/2", run="demo", stage="verify", iteration=3
    )
    assert names.run_name() == "demo"
    assert names.evaluation_name() == "demo: evaluate demo/2"
    assert names.stage_name() == "demo: verify 3"
    started("purple-agama", settings=["run.name = 'x'"], config={"run": {"name": "y"}})
    assert names.run_name() == "x"
    started("purple-agama", config="nonsense", nights=None)
    assert names.night_name() == "run-2026-03-01"


@pytest.mark.parametrize(
    ("nights", "date"),
    [({}, "2026-03-01"), ({"timezone": "Europe/Zurich"}, "2026-03-02"), ({"timezone": "Mars/Olympus"}, "2026-03-01"), ({"night": "x"}, "x")],
)  # fmt: skip
def test_a_night_is_called_by_its_series_and_date(started: Any, nights: dict[str, str], date: str) -> None:
    started("purple-agama", config={"run": {"name": "s"}}, nights=nights)
    assert names.night_name() == f"s-{date}"
