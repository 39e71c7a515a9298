"""A disk that refuses is the user's to mend, wherever the store, the scratch folder or the training meets it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.domain.disk import disk_faults_told
from tasks.domain.errors import UserError
from tasks.domain.schema import Example, to_table
from tasks.domain.settings import FinetuneSettings
from tasks.engines.training.trainer import TrainJob, train
from tasks.store.artifacts import Store, digest_of_folder
from tasks.store.stage import Stage
from tasks.store.workspace import Workspace
from tests.disks import fill, small_disk

BIG = 2 << 20  # bytes; twice the disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "weights").write_bytes(bytes(BIG))
    return folder


WRITES: dict[str, Callable[[Store, Path], object]] = {
    "bytes": lambda store, model: store.write_bytes("a/b", bytes(BIG)),
    "conditional put": lambda store, model: store.put_if_absent("a/b", bytes(BIG)),
    "file": lambda store, model: store.put_file("a/b", model / "sub" / "weights"),
    "folder": lambda store, model: store.put_folder("a/b", model),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_store_without_space_says_so(disk: Path, model: Path, write: Callable[[Store, Path], object]) -> None:
    with pytest.raises(UserError, match=r"no space is left for .*disk/store.*free some space"):
        write(Store(str(disk / "store")), model)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_store_on_a_read_only_disk_says_so(disk: Path, model: Path, write: Callable[[Store, Path], object]) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(UserError, match=r"file system is read-only for .*mount it writable"):
        write(Store(str(disk / "store")), model)


def test_a_cache_without_space_names_the_cache_and_not_the_store(disk: Path, model: Path, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.put_folder("model", model)
    with pytest.raises(UserError, match=r"no space is left for .*disk/models"):
        store.localize(f"file://{tmp_path}/store/model", digest_of_folder(model), disk / "models")


def test_another_user_s_store_is_a_matter_of_permission(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can write as somebody else")
    (tmp_path / "store").mkdir(mode=0o700)
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(65534)
        try:
            Store(str(tmp_path / "store")).write_bytes("a/b", b"1")
        except BaseException as error:  # noqa: BLE001  boundary: the parent asserts what it was
            os.write(writes, f"{type(error).__name__} {error}".encode())
        os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)
    with os.fdopen(reads) as told:
        said = told.read()
    assert said.startswith("UserError") and "Permission denied" in said and "check the rights" in said


@dataclass(frozen=True)
class Job:
    workspace: Workspace


def test_a_stage_that_fills_its_scratch_folder_is_not_tried_again(disk: Path, tmp_path: Path) -> None:
    def work(job: Job) -> None:
        (job.workspace.scratch_path / "data.parquet").write_bytes(bytes(BIG))

    with pytest.raises(UserError, match=r"no space is left for .*disk"):
        Stage("finetune", work).run(Job(Workspace(str(tmp_path / "store"), str(disk), "run")))  # type: ignore[arg-type]


@pytest.mark.heavy
@pytest.mark.parametrize("left", [0, 200_000], ids=["not even for the job", "for the weights but not for a state"])
def test_a_training_without_space_says_so(
    left: int, tiny_llama: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    rows = [Example(f"p{at}", at, f"{at}+1=?\n", f"{at + 1}\n#{at + 1}", 1.0, 1.0) for at in range(8)]
    pq.write_table(to_table(rows, Example), tmp_path / "data.parquet")
    settings = FinetuneSettings(epochs=1, batch_size=8, learning_rate=1e-3, max_length=64)
    with small_disk(tmp_path / "disk", "4m") as disk:
        fill(disk, leave=left)
        job = TrainJob(tiny_llama(0), (tmp_path / "data.parquet",), disk / "out", settings, len(rows), "test")
        with pytest.raises(UserError, match="no space is left"), disk_faults_told(str(disk)):  # as a stage runs it
            train(job, log_path=tmp_path / "log")
        assert (tmp_path / "log").exists() == bool(left), "a child was started, or was not"
