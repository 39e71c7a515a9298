"""A trial is the config on a few problems, and what it measured says what the whole run takes."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from flows.planning.estimate import Work, estimate
from flows.planning.trial import PROBLEMS, trial_of
from flows.run.preflight import workspace_of
from flows.stored.runs import result_of
from tasks.data.sources import load_problems
from tests.handmade import make_store
from tests.rig import small_config


def test_a_trial_changes_only_the_name_the_number_of_problems_and_of_iterations(tmp_path: Path) -> None:
    config = small_config(
        tmp_path,
        tmp_path / "base",
        data={"train": {"split": "train", "limit": 800}, "val": {"split": "val", "limit": 4}},
    )
    trial = trial_of(config)
    assert (trial.run.name, trial.loop.iterations) == ("small-try", 1)
    assert (trial.data.train.limit, trial.data.val.limit, trial.data.test.limit) == (PROBLEMS["train"], 4, 8)
    for section in ("model", "generate", "engine", "verify", "materialize", "finetune", "evaluate"):
        assert getattr(trial, section) == getattr(config, section)


def test_the_training_of_a_plan_grows_with_its_rows_at_the_rate_that_a_trial_measured(tmp_path: Path) -> None:
    config, _ = make_store(tmp_path)
    workspace = workspace_of(config)
    _, rows, passes = _retold(workspace, seconds=30.0, optimizing_seconds=20.0)
    sets = {split: load_problems(getattr(config.data, split), split) for split in ("train", "val", "test")}
    work = Work(0, 0, 1, False)
    once = estimate(config, workspace, work, sets, None).seconds
    assert once == pytest.approx(10 + 20 / passes * rows * config.finetune.epochs, rel=0.02)
    ten = {**sets, "train": sets["train"] * 10}
    assert estimate(config, workspace, work, ten, None).seconds - 10 == pytest.approx(10 * (once - 10), rel=0.02)


def _retold(workspace, seconds: float, optimizing_seconds: float):  # type: ignore[no-untyped-def]
    """Write times into the stored trainings; return their manifests, the rows of one, and the rows that its optimizer saw."""
    store, result = workspace.store, result_of(workspace.store, workspace.run)
    assert result is not None
    rows = passes = 0.0
    for key in store.listdir("finetune"):
        manifest = store.lookup("finetune", key)
        steps = 8
        epochs = [{**one, "steps": steps} for one in manifest.meta["epochs"]]
        meta = {**manifest.meta, "epochs": epochs, "seconds": seconds, "optimizing_seconds": optimizing_seconds}
        store.write_json(f"finetune/{key}/manifest.json", asdict(replace(manifest, meta=meta)))
        settings = manifest.recipe["settings"]
        rows, passes = manifest.rows, steps * settings["batch_size"] * settings["accumulation"]
    return result, rows, passes


def test_a_store_whose_trainings_tell_no_times_is_planned_all_the_same(tmp_path: Path) -> None:
    config, _ = make_store(tmp_path)
    sets = {split: load_problems(getattr(config.data, split), split) for split in ("train", "val", "test")}
    assert estimate(config, workspace_of(config), Work(10, 10, 1, False), sets, None).seconds > 0
