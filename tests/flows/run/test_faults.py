"""Each stage fails twice and succeeds the third time: the artifacts are those of an undisturbed run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.config import make_config
from tasks.store.artifacts import Store
from tests.command import write_config
from tests.recorded_run import ORDER, Undisturbed, assert_same_artifacts, forget_from, moved
from tests.rig import Command

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("stage", ORDER)
def test_a_stage_that_fails_twice_succeeds_the_third_time(stage: str, undisturbed: Undisturbed, tmp_path: Path) -> None:
    tree = moved(undisturbed.config, tmp_path).model_dump(mode="json")
    tree["retry"] = {"retries": 2, "delay_s": 0}
    config = make_config(tree)
    shutil.copytree(undisturbed.store, tmp_path / "store")
    forget_from(stage, tmp_path / "store")
    command = Command(tmp_path, undisturbed.api_url)
    toml = str(write_config(tmp_path / "c.toml", config))

    twice = command.run("run", toml, RESTEM_FAILPOINTS=f"{stage}.start:1-2=fail")
    assert twice.returncode == 0, twice.stderr
    assert_same_artifacts(undisturbed, Store(str(tmp_path / "store")))


def test_a_stage_that_fails_too_often_ends_the_run_with_one_sentence(undisturbed: Undisturbed, tmp_path: Path) -> None:
    config = moved(undisturbed.config, tmp_path)
    shutil.copytree(undisturbed.store, tmp_path / "store")
    forget_from("materialize", tmp_path / "store")
    command = Command(tmp_path, undisturbed.api_url)
    toml = str(write_config(tmp_path / "c.toml", config))
    failed = command.run("run", toml, RESTEM_FAILPOINTS="materialize.start:1=fail")
    assert failed.returncode == 1
    assert failed.stderr.strip().splitlines()[-1].startswith("restem: failpoint materialize.start")
    assert "Traceback" not in failed.stderr
