"""`--push-hub` with the Hub's own client against a Hub on loopback: what was exported is what arrives and what is downloaded again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard, ModelCard

from tasks.store.artifacts import Store, digest_of_folder
from tests.command import restem
from tests.handmade import make_store
from tests.hub import Hub, Repository, hub_server

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    config, _ = make_store(tmp_path_factory.mktemp("pushed"))
    return Store(config.run.store)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as made:
        yield made


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_a_policy_arrives_whole_and_private_and_comes_back(hub: Hub, store: Store, tmp_path: Path) -> None:
    folder, cache = tmp_path / "policy", {"HF_HOME": str(tmp_path / "home")}
    argv = ("export", "small", str(folder), "--store", store.root, "--license", "mit", "--push-hub", "me/mine")
    done = restem(*argv, environment=hub.environment | cache)
    assert done.returncode == 0, done.stderr
    pushed = hub.repositories["model", "me/mine"]
    assert pushed.files == files_of(folder) and pushed.visibility == "private"
    assert f"{hub.url}/me/mine" in done.stdout + done.stderr
    assert ModelCard(pushed.files["README.md"].decode()).data.license == "mit"
    back = tmp_path / "back"
    loaded = downloaded(hub, "me/mine", back, cache)
    assert loaded == digest_of_folder(folder)


def test_a_second_push_is_a_second_commit_of_the_same_repository(hub: Hub, store: Store, tmp_path: Path) -> None:
    hub.repositories["dataset", "me/data"] = Repository("public", {"notes.md": b"mine"})
    for number in (1, 2):
        folder = tmp_path / f"data-{number}"
        argv = ("export", "small", str(folder), "--data", "--store", store.root, "--push-hub", "me/data")
        done = restem(*argv, environment=hub.environment | {"HF_HOME": str(tmp_path / "home")})
        assert done.returncode == 0, done.stderr
        pushed = hub.repositories["dataset", "me/data"]
        assert pushed.files == files_of(folder) | {"notes.md": b"mine"} and len(pushed.commits) == number
    assert pushed.visibility == "public"  # whose it was
    assert "iteration-1-kept" in {
        one["config_name"] for one in DatasetCard(pushed.files["README.md"].decode()).data.configs
    }


def test_a_token_that_the_hub_refuses_is_one_sentence_and_the_export_stays(
    hub: Hub, store: Store, tmp_path: Path
) -> None:
    argv = ("export", "small", str(tmp_path / "policy"), "--store", store.root, "--push-hub", "me/mine")
    done = restem(*argv, environment=hub.environment | {"HF_TOKEN": "hf_wrong", "HF_HOME": str(tmp_path / "home")})
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "is written, but pushing to Hub repository 'me/mine' failed" in done.stderr and "HF_TOKEN" in done.stderr
    assert not hub.repositories and (tmp_path / "policy" / "README.md").is_file()


def downloaded(hub: Hub, name: str, folder: Path, cache: dict[str, str]) -> str:
    """Return the digest of what the client downloads, in a process that knows no other Hub."""
    program = "import sys; from huggingface_hub import snapshot_download; print(snapshot_download(sys.argv[1], cache_dir=sys.argv[2]))"
    done = subprocess.run(
        [sys.executable, "-c", program, name, str(folder)], env={**os.environ, **hub.environment, **cache},
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return digest_of_folder(Path(done.stdout.strip().splitlines()[-1]))
