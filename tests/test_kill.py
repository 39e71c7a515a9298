"""kill -9 of the flow process in every stage, then the same command: nothing lost, doubled, rewritten or left behind."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.config import RunConfig, make_config
from flows.opening import workspace_of
from tasks.artifacts import Store
from tests.rig import Command, manifests, record, small_config, snapshot, tiny_base, write_toml
from tests.server import prefect_server

pytestmark = pytest.mark.heavy

MOMENTS = {
    "generate": ("generate.start:2", "generate.flushed:9", "generate.drawn:2"),
    "verify": ("verify.start:2", "verify.written:1", "verify.committed:2"),
    "materialize": ("materialize.start:1", "materialize.range:2", "materialize.written:1"),
    "finetune": ("finetune.start:1", "finetune.step:9", "finetune.stored:1"),
    "evaluate": ("evaluate.start:1", "evaluate.written:1", "evaluate.committed:1"),
}
ORDER = tuple(MOMENTS)


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing disturbed, and what it sent."""

    config: RunConfig
    folder: Path
    api_url: str
    requests: int

    @property
    def store(self) -> Path:
        return self.folder / "store"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    folder = tmp_path_factory.mktemp("undisturbed")
    config = small_config(folder, tiny_base(folder / "base"))
    record(config)
    with prefect_server(folder / "prefect") as api_url:
        log = folder / "requests.jsonl"
        done = Command(folder, api_url).run(
            "run", str(write_toml(config, folder / "c.toml")), RESTEM_REPLAY_LOG=str(log)
        )
        assert done.returncode == 0, done.stderr
        yield Undisturbed(config, folder, api_url, len(log.read_text().splitlines()))


def moved(config: RunConfig, folder: Path) -> RunConfig:
    """The same run in another store and scratch."""
    tree = config.model_dump(mode="json")
    tree["run"] |= {"store": str(folder / "store"), "scratch": str(folder / "scratch")}
    return make_config(tree)


def forget_from(stage: str, store: Path) -> None:
    """Take what `stage` and later stages of the E-step or evaluation made out of a copied store.

    Later artifacts that do not depend on a kill stay: they must be found again, which shows that digests came out the same.
    """
    if stage in ("finetune", "evaluate"):
        shutil.rmtree(store / stage)
        return
    for name in ("samples", *ORDER[ORDER.index(stage) : ORDER.index("finetune")]):
        if name != "samples" or stage == "generate":
            shutil.rmtree(store / name)


@pytest.mark.parametrize(
    ("stage", "moment"), [(stage, moment) for stage, moments in MOMENTS.items() for moment in moments]
)
def test_after_kill_9_the_same_command_completes_the_same_artifacts(
    stage: str, moment: str, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    config = moved(undisturbed.config, tmp_path)
    shutil.copytree(undisturbed.store, tmp_path / "store")
    forget_from(stage, tmp_path / "store")
    toml, log = write_toml(config, tmp_path / "c.toml"), tmp_path / "requests.jsonl"
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


def assert_same_artifacts(undisturbed: Undisturbed, store: Store) -> None:
    reference = Store(str(undisturbed.store))
    for stage in ORDER:
        wanted = {key: manifest["digest"] for key, manifest in manifests(reference, stage).items()}
        assert {key: manifest["digest"] for key, manifest in manifests(store, stage).items()} == wanted


def assert_each_index_once(store: Store) -> None:
    for pool in store.listdir("samples"):
        pairs = [
            (problem, index)
            for _, columns in store.sample_index(pool)
            for problem, index in zip(columns["problem_id"].to_pylist(), columns["index"].to_pylist(), strict=True)
        ]
        assert len(pairs) == len(set(pairs))


def test_two_flows_started_at_once_make_one_set_of_artifacts(undisturbed: Undisturbed, tmp_path: Path) -> None:
    import subprocess
    import sys

    config = moved(undisturbed.config, tmp_path)
    toml = write_toml(config, tmp_path / "c.toml")
    command = Command(tmp_path, undisturbed.api_url, mark=f"{tmp_path}")
    argv = [sys.executable, "-m", "flows.cli", "run", str(toml)]
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
