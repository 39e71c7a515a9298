"""A threshold that lies below the mean reward of what was grown is told of; a threshold of 0 is ReST's own beginning."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.flows.loop.family import run_method


@pytest.mark.parametrize(("solve_rate", "low"), [(0.9, True), (0.1, False)])
def test_a_threshold_not_above_the_mean_reward_is_told(
    solve_rate: float, low: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Improve step 1 keeps everything and is not told of; step 2 asks for 0.7 of samples that are right with `solve_rate`."""
    caplog.set_level(logging.WARNING)
    sections = {"loop": {"iterations": 2, "improve": 2, "thresholds": (0.0, 0.7)}, "materialize": {"cap": 4}}
    run_method(tmp_path, "rest", solve_rate, **sections)
    told = [one.getMessage() for one in caplog.records if "mean reward" in one.getMessage()]
    assert [text.split(":")[0] for text in told] == (["iteration 2"] if low else [])
