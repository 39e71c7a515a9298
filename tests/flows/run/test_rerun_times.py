"""A rerun that finds all of it stored keeps when the work was begun and done, how long it took, and on how many devices."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tasks.store.artifacts import Store
from tasks.store.places import RunPlaces
from tests.handmade import make_store, run_directly


def test_a_cached_rerun_keeps_when_the_work_was_done(tmp_path: Path) -> None:
    config, first = make_store(tmp_path)
    store, places = Store(config.run.store), RunPlaces("small")
    long_ago = replace(first, started="2025-01-01T00:00:00+00:00")
    store.write_bytes(places.result, json.dumps(long_ago.to_json()).encode())
    again = run_directly(config)
    assert (again.started, again.finished) == (long_ago.started, first.finished)
    assert [row.ended for row in again.rows] == [row.ended for row in first.rows]
    assert [row.seconds for row in again.rows] == [row.seconds for row in first.rows]
    assert [row.device_seconds for row in again.rows] == [row.device_seconds for row in first.rows]
    assert all(all(row.cached.values()) for row in again.rows)
