"""Which epoch the M-step keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.loop.maximization import best_epoch
from flows.run.recorder import unchanged_notes
from tasks.domain.errors import StageFailed
from tasks.domain.run_result import EpochScore, IterationResult, RunResult
from tasks.domain.statistics import Interval
from tasks.report.tables import headline


@pytest.mark.parametrize(
    ("rewards", "best"),
    [([0.2, 0.5, 0.4], 1), ([0.5, 0.5], 0), ([None, 0.1, 0.3], 2), ([0.1, None, 0.3], 2), ([None, 0.3, 0.3], 1)],
)
def test_the_best_epoch_is_counted_among_all_epochs(rewards: list[float | None], best: int) -> None:
    assert best_epoch(rewards) == best


def test_without_any_val_reward_no_epoch_is_chosen() -> None:
    with pytest.raises(StageFailed, match="none of the 2 epochs has a reward"):
        best_epoch([None, None])


@pytest.mark.parametrize(
    ("rewards", "unchanged", "best"),
    [([0.5, 0.5], [True, False], 1), ([0.5, 0.4], [True, False], 0), ([0.5, 0.5], [True, True], 0)],
)
def test_among_equals_an_epoch_that_learned_goes_first(
    rewards: list[float | None], unchanged: list[bool], best: int
) -> None:
    assert best_epoch(rewards, unchanged) == best


def epoch(number: int, *, chosen: bool, unchanged: bool) -> EpochScore:
    return EpochScore(number, Interval(0.5, 0.4, 0.6), chosen=chosen, unchanged=unchanged)


def test_weights_that_stayed_are_told_in_the_notes_and_in_the_headline() -> None:
    epochs = (epoch(1, chosen=True, unchanged=True), epoch(2, chosen=False, unchanged=False))
    says = "training of iteration 1 left the weights as they were in epoch 1, and such an epoch was kept"
    row = IterationResult(1, "policy", epochs=epochs)
    assert says in unchanged_notes([row])[0]
    result = RunResult("r", {}, IterationResult(0, "base"), (row,))
    assert headline(result).startswith("Warning: the " + says)
    quiet = IterationResult(1, "policy", epochs=(epoch(1, chosen=True, unchanged=False),))
    assert unchanged_notes([quiet]) == () and "Warning" not in headline(replace(result, iterations=(quiet,)))
