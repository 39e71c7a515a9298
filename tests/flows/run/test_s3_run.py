"""A whole run with its store in S3: a real S3 server process, no shared folder, credentials from the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.config import make_config
from tasks.store.artifacts import Store
from tests.command import write_config
from tests.recorded_run import ORDER, Undisturbed
from tests.rig import Command, manifests
from tests.s3 import BUCKET, s3_server

pytestmark = pytest.mark.heavy


def test_a_run_on_s3_makes_the_same_artifacts_and_is_cached_the_second_time(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = undisturbed.config.model_dump(mode="json")
    tree["run"] |= {"store": f"s3://{BUCKET}/runs-of-a-test", "scratch": str(tmp_path / "scratch")}
    toml = str(write_config(tmp_path / "c.toml", make_config(tree)))
    command = Command(tmp_path, undisturbed.api_url)
    with s3_server(tmp_path) as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        first = command.run("run", toml)
        assert first.returncode == 0, first.stderr
        store, local = Store(tree["run"]["store"]), Store(str(undisturbed.store))
        for stage in ORDER:
            wanted = {key: manifest["digest"] for key, manifest in manifests(local, stage).items()}
            assert {key: manifest["digest"] for key, manifest in manifests(store, stage).items()} == wanted
        again = command.run("run", toml, "--json")
        assert again.returncode == 0, again.stderr
        rows = json.loads(again.stdout)["iterations"]
        assert all(cached for row in rows for cached in row["cached"].values())
