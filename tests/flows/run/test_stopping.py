"""The rules that end the loop before its last iteration, one at a time and in their order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.run.stopping import Progress, stop_reason, stops
from tasks.domain.settings import LoopSettings


def progress(*rewards: float, tokens: int = 100, steps: int = 10, diversity: float = 0.8) -> list[Progress]:
    return [Progress(reward, tokens, steps, diversity) for reward in rewards]


@pytest.mark.parametrize(
    "rewards, rule, sentence",
    [
        ((0.5, 0.6, 0.6), {"patience": 1}, "has not improved for 1 iterations"),
        ((0.5, 0.6, 0.55), {"patience": 2}, None),
        ((0.5, 0.6, 0.57), {"most_fall": 0.02}, "fell from 0.600 to 0.570"),
        ((0.5, 0.6, 0.57), {"most_fall": 0.05}, None),
        ((0.5, 0.6), {"least_diversity": 0.9}, "80% of the accepted solutions are distinct"),
        ((0.5, 0.6), {"least_diversity": 0.8}, None),
        ((0.5, 0.6), {"most_tokens": 200}, "200 completion tokens were drawn"),
        ((0.5, 0.6), {"most_tokens": 201}, None),
        ((0.5, 0.6), {"most_steps": 15}, "20 optimizer steps were made"),
        ((), {"most_tokens": 1, "most_fall": 0.0, "patience": 1}, None),
    ],
)
def test_a_rule_ends_the_loop_and_says_why(
    rewards: tuple[float, ...], rule: dict[str, Any], sentence: str | None
) -> None:
    reason = stop_reason(progress(*rewards), LoopSettings(**rule))
    assert (sentence is None and reason is None) or (sentence is not None and sentence in str(reason))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_without_a_rule_the_loop_never_ends_early(rewards: list[float]) -> None:
    assert stop_reason(progress(*rewards), LoopSettings()) is None
    assert not stops(rewards, 0)
