"""A run that nothing disturbed, to compare disturbed ones with: recorded samples, everything else real."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.config import RunConfig, make_config
from tasks.store.artifacts import Store
from tests.command import write_config
from tests.rig import Command, manifests, record, small_config, tiny_base
from tests.server import prefect_server

ORDER = ("generate", "verify", "materialize", "finetune", "evaluate")


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


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    folder = tmp_path_factory.mktemp("undisturbed")
    config = small_config(folder, tiny_base(folder / "base"))
    record(config)
    with prefect_server(folder / "prefect") as api_url:
        log = folder / "requests.jsonl"
        done = Command(folder, api_url).run(
            "run", str(write_config(folder / "c.toml", config)), RESTEM_REPLAY_LOG=str(log)
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


def assert_same_artifacts(undisturbed: Undisturbed, store: Store) -> None:
    reference = Store(str(undisturbed.store))
    for stage in ORDER:
        wanted = {key: manifest["digest"] for key, manifest in manifests(reference, stage).items()}
        assert {key: manifest["digest"] for key, manifest in manifests(store, stage).items()} == wanted
