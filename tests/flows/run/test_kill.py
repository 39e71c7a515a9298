"""kill -9 of the flow process in every stage, then the same command: nothing lost, doubled, rewritten or left behind."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from flows.run.preflight import workspace_of
from tasks.store.artifacts import Store
from tests.command import argv_of, write_config
from tests.recorded_run import Undisturbed, assert_same_artifacts, forget_from, moved
from tests.rig import Command, snapshot

pytestmark = pytest.mark.heavy

MOMENTS = {
    "generate": ("generate.start:2", "generate.flushed:9", "generate.drawn:2"),
    "verify": ("verify.start:2", "verify.written:1", "verify.committed:2"),
    "materialize": ("materialize.start:1", "materialize.range:2", "materialize.written:1"),
    "finetune": ("finetune.start:1", "finetune.step:9", "finetune.stored:1"),
    "evaluate": ("evaluate.start:1", "evaluate.written:1", "evaluate.committed:1"),
}


@pytest.mark.parametrize(
    ("stage", "moment"), [(stage, moment) for stage, moments in MOMENTS.items() for moment in moments]
)
def test_after_kill_9_the_same_command_completes_the_same_artifacts(
    stage: str, moment: str, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    config = moved(undisturbed.config, tmp_path)
    shutil.copytree(undisturbed.store, tmp_path / "store")
    forget_from(stage, tmp_path / "store")
    toml, log = write_config(tmp_path / "c.toml", config), tmp_path / "requests.jsonl"
    command = Command(tmp_path, undisturbed.api_url, mark=f"{tmp_path}")

    killed = command.run("run", str(toml), RESTEM_FAILPOINTS=f"{moment}=kill", RESTEM_REPLAY_LOG=str(log))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert_nothing_is_left(command)
    committed = snapshot(tmp_path / "store")

    again = command.run("run", str(toml), RESTEM_REPLAY_LOG=str(log))
    assert again.returncode == 0, again.stderr
    after = snapshot(tmp_path / "store")
    assert {path: after.get(path) for path in committed} == committed
    assert_same_artifacts(undisturbed, Store(str(tmp_path / "store")))
    assert_each_index_once(workspace_of(config).store)
    sent = len(log.read_text().splitlines()) if log.exists() else 0
    assert sent <= undisturbed.requests + config.engine.max_in_flight


def assert_nothing_is_left(command: Command, within_s: float = 15) -> None:
    deadline = time.monotonic() + within_s
    while (left := command.processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def assert_each_index_once(store: Store) -> None:
    for pool in store.listdir("samples"):
        pairs = [
            (problem, index)
            for _, columns in store.sample_index(pool)
            for problem, index in zip(columns["problem_id"].to_pylist(), columns["index"].to_pylist(), strict=True)
        ]
        assert len(pairs) == len(set(pairs))


def test_two_flows_started_at_once_make_one_set_of_artifacts(undisturbed: Undisturbed, tmp_path: Path) -> None:
    config = moved(undisturbed.config, tmp_path)
    toml = write_config(tmp_path / "c.toml", config)
    command = Command(tmp_path, undisturbed.api_url, mark=f"{tmp_path}")
    argv = argv_of("run", str(toml))
    both = [
        subprocess.Popen(argv, env=command.environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    for process in both:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    assert_same_artifacts(undisturbed, Store(str(tmp_path / "store")))
    result = json.loads((tmp_path / "store/runs/small/result.json").read_text())
    assert result["status"] == "completed"
