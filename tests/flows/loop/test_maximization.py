"""Which epoch the M-step keeps."""

from __future__ import annotations

import pytest

from flows.loop.maximization import best_epoch
from tasks.domain.errors import StageFailed


@pytest.mark.parametrize(
    ("rewards", "best"),
    [([0.2, 0.5, 0.4], 1), ([0.5, 0.5], 0), ([None, 0.1, 0.3], 2), ([0.1, None, 0.3], 2), ([None, 0.3, 0.3], 1)],
)
def test_the_best_epoch_is_counted_among_all_epochs(rewards: list[float | None], best: int) -> None:
    assert best_epoch(rewards) == best


def test_without_any_val_reward_no_epoch_is_chosen() -> None:
    with pytest.raises(StageFailed, match="none of the 2 epochs has a reward"):
        best_epoch([None, None])
