"""Five nights of the month that `tests.benchmarks.month` has whole: records, the promoted policy, gc, and a store that is bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.handmade import Direct, made_up_base, unlooked
from tests.month import Plan, month_config, open_month

# promoted, held, stopped (so the next is told to go on), cut off after its training and dropped, promoted
NIGHTS = [Plan(1), Plan(1, spends="tokens"), Plan(0), Plan(1, cut_off="drop"), Plan(2)]
MORE = [
    Plan(2, cut_off="resume"),
    Plan(2),
    Plan(1, spends="hours"),
]  # cut off before its training and resumed; nothing trained


@pytest.mark.heavy
def test_each_night_is_recorded_as_the_gate_decided_and_gc_keeps_the_store_bounded(tmp_path: Path) -> None:
    month = open_month(unlooked(month_config(tmp_path, made_up_base(tmp_path / "base"))), Direct(), history=2)
    for number, plan in enumerate([*NIGHTS, *MORE], start=1):
        month.spend(f"2026-01-{number:02d}", plan)
    found = [one.status for one in month.sizes]
    assert found == ["promoted", "budget", "stopped", "failed", "promoted", "failed", "held", "budget"]
    assert month.told == ["2026-01-01", "2026-01-05"]
