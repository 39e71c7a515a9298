"""Newly solved, lost, beyond format: a policy that is no different shows no gain, whatever problems the base's draws pick."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.domain.run_result import PolicyScore
from tasks.domain.turnover import beyond_format, turnover

PROBLEMS = 2000


def scored(chance_P: np.ndarray, draws: int, seed: int) -> PolicyScore:
    cells = np.random.default_rng(seed).random((len(chance_P), draws)) < chance_P[:, None]
    texts = {f"p{number:04d}": "".join("1" if cell else "0" for cell in row) for number, row in enumerate(cells)}
    return PolicyScore("d", "n", "test", len(chance_P), sampled_outcomes=texts)


EASE = np.random.default_rng(5).beta(0.7, 0.7, PROBLEMS)
BASE = scored(EASE, 12, 1)


def test_a_policy_that_is_no_different_looks_like_the_base_drawn_again() -> None:
    same = turnover(scored(EASE, 12, 2), BASE, 200)
    assert same.new.value == pytest.approx(same.new_base.value, abs=0.1)  # four standard errors of the difference
    assert same.lost.value == pytest.approx(same.lost_base.value, abs=0.1)  # four standard errors of the difference
    assert (
        same.new_base.value > 0.05
    )  # picked by chance as unsolved: without the figure beside it this would look like a gain
    assert same.unsolved + same.solved == PROBLEMS


def test_a_better_policy_solves_new_problems_and_one_that_forgets_loses_some() -> None:
    better = turnover(scored(EASE**0.3, 12, 2), BASE, 200)
    assert better.new.low > better.new_base.high
    forgot = turnover(scored(np.where(np.arange(PROBLEMS) % 4 == 0, 0, EASE), 12, 2), BASE, 200)
    assert forgot.lost.low > forgot.lost_base.high


def test_gain_beyond_format_leaves_out_what_only_the_format_cost() -> None:
    """The policy only learned to write the answer down: where the base's draws can be read, it is no better."""
    hidden = np.arange(PROBLEMS) % 2 == 0
    base = scored(np.where(hidden, 0, EASE), 12, 1)
    readable = {name: ("0" if number % 2 == 0 else "1") * 12 for number, name in enumerate(base.sampled_outcomes)}
    found = beyond_format(scored(EASE, 12, 3), base, readable, 200)
    assert (found.problems, found.of) == (PROBLEMS // 2, PROBLEMS)
    assert found.gain.low < 0 < found.gain.high
    assert found.gain_base.low < 0.02


def test_too_few_draws_or_other_problems_say_nothing() -> None:
    two = replace(BASE, sampled_outcomes={name: text[:2] for name, text in BASE.sampled_outcomes.items()})
    assert turnover(BASE, two) is None
    other = replace(BASE, sampled_outcomes={f"x{name}": text for name, text in BASE.sampled_outcomes.items()})
    assert turnover(other, BASE) is None
    assert beyond_format(BASE, BASE, {"p0001": "1"}) is None
