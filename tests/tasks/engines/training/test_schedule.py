"""No step of a training has learning rate 0, and a training that learned nothing is told."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.schema import Example, to_table
from tasks.domain.settings import FinetuneSettings
from tasks.engines.training import trainer
from tasks.engines.training.schedule import RateShare
from tasks.engines.training.trainer import TrainJob, TrainResult

Train = Callable[..., TrainResult]
SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup")
BEFORE = FinetuneSettings(warmup_from="zero")


@given(st.sampled_from(SCHEDULES), st.integers(1, 3000), st.floats(0, 0.999))
def test_every_step_learns_and_the_last_of_the_warm_up_has_the_peak(schedule: str, steps: int, share: float) -> None:
    warmup = math.ceil(steps * share)
    rates = [RateShare(schedule, warmup, steps)(step) for step in range(steps)]
    assert min(rates) > 0 and max(rates) == 1.0
    assert rates[:warmup] == sorted(rates[:warmup]) and rates[warmup:] == sorted(rates[warmup:], reverse=True)
    assert rates[max(0, warmup - 1)] == 1.0


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant_with_warmup"])
def test_after_the_warm_up_the_schedule_is_transformers_own(schedule: str) -> None:
    import torch
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = get_scheduler(schedule, optimizer, 3, 20).lr_lambdas[0]
    ours = RateShare(schedule, 3, 20)
    assert [ours(step) for step in range(3, 21)] == pytest.approx([theirs(step) for step in range(3, 21)], abs=1e-12)


def test_the_kind_of_warm_up_is_in_the_key_where_there_is_one_and_trainings_of_before_are_found() -> None:
    assert FinetuneSettings().content()["warmup_from"] == "first_step"
    assert "warmup_from" not in BEFORE.content()
    assert FinetuneSettings().content() == BEFORE.content() | {"warmup_from": "first_step"}
    for none in ({"schedule": "constant"}, {"warmup_share": 0.0}):
        assert "warmup_from" not in FinetuneSettings.model_validate(none).content()


@pytest.fixture
def train_here(tiny_llama: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Run the child's code in this process."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    rows = [Example(f"p{at}", at, f"{at}+1=?\n", f"{at + 1}\n#{at + 1}", 1.0, 1.0) for at in range(16)]
    data = tmp_path / "data.parquet"
    pq.write_table(to_table(rows, Example), data)

    def train(**settings: Any) -> TrainResult:
        from tasks.engines.training import trl_sft

        chosen = FinetuneSettings.model_validate({"epochs": 1, "max_length": 64, "learning_rate": 1e-3} | settings)
        job = TrainJob(tiny_llama(0), (data,), tmp_path / "out", chosen, len(rows), "test")
        trainer._prepare(job)
        assert trl_sft.main(str(job.output_dir / trainer.JOB_FILE)) == 0
        return trainer._result(job, 0.0)

    return train


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant_with_warmup"])
def test_a_training_of_one_step_learns(train_here: Train, schedule: str) -> None:
    trained = train_here(batch_size=16, schedule=schedule)
    assert [one["learning_rate"] for one in trained.history] == [1e-3]
    assert not trained.epochs[0].unchanged


def test_the_rates_of_a_longer_training_are_those_of_the_schedule(train_here: Train) -> None:
    trained = train_here(batch_size=2, warmup_share=0.5, epochs=1)
    wanted = [1e-3 * RateShare("cosine", 4, 8)(step) for step in range(8)]
    assert [one["learning_rate"] for one in trained.history] == pytest.approx(wanted)


def test_one_step_of_before_learned_nothing_and_is_told(train_here: Train) -> None:
    trained = train_here(batch_size=16, warmup_from="zero")
    assert [one["learning_rate"] for one in trained.history] == [0.0]
    assert trained.epochs[0].unchanged


def test_a_rate_that_rounding_swallows_is_told_for_each_epoch(train_here: Train) -> None:
    trained = train_here(batch_size=8, epochs=2, learning_rate=1e-30)
    assert [one.unchanged for one in trained.epochs] == [True, True]
