"""What `restem ls` says of nights."""

from __future__ import annotations

from pathlib import Path

from flows.loop.series import Series
from flows.stored.ls import list_store
from flows.stored.nights import Night
from tasks.domain.schema import Policy
from tasks.store.artifacts import Store


def test_a_series_is_one_line_that_counts_the_nights_that_ended(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    series = Series(store, "s")
    for day, status in enumerate(("promoted", "held", "dropped", "budget", "failed"), 1):
        series.put(Night(f"2026-01-{day:02}", status, Policy("", ""), ended=1.0 if status != "failed" else None))
        store.write_json(f"runs/s-2026-01-{day:02}/config.json", {})
    store.write_json("runs/s/commit.json", {"commit": "c"})  # of the form, which names the series
    lines = {line.name: line for line in list_store(store).runs}
    assert (lines["s"].status, lines["s"].iterations, lines["s"].finished) == ("nights, last failed", 3, None)
    assert sorted(lines) == ["s", *(f"s-2026-01-{day:02}" for day in range(1, 6))]
