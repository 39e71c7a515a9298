"""The time that a meter says is left."""

from __future__ import annotations

import pytest

from tasks.store import progress


def test_what_came_before_the_first_unit_is_not_expected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    meter = progress.Meter("sampling", 10, "samples")
    now[0] += 300  # the engine starts
    meter.advance()
    assert meter.time_left() == "time left unknown"
    now[0] += 2
    meter.advance()
    assert meter.seconds_left() == pytest.approx(16)
    meter.advance(8)
    assert meter.seconds_left() == 0
