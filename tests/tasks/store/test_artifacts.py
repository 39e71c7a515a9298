"""The store's promises, on every kind of store: conditional put, complete-or-absent files, digests that ignore partition."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tasks.domain.errors import UserError
from tasks.domain.schema import Verdict, to_table
from tasks.store.artifacts import Store, TableWriter, digest_of_folder, explain, key_of
from tests.s3 import BUCKET, s3_server


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket of a real S3 server process; credentials through the environment, as a user gives them."""
    with s3_server(tmp_path_factory.mktemp("s3")) as service, pytest.MonkeyPatch.context() as patch:
        for name, value in service.environment.items():
            patch.setenv(name, value)
        yield f"s3://{BUCKET}/root"


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return Store(str(tmp_path / "store"))
    return Store(f"{request.getfixturevalue('s3')}/{tmp_path.name}")


def verdicts(count: int, label: str = "correct") -> list[Verdict]:
    return [Verdict(f"p{i}", i, label, 1.0, {"rule": "exact"}) for i in range(count)]  # type: ignore[arg-type]


def write(store: Store, rows: list[Verdict], parts: int, **recipe: object) -> TableWriter:
    writer = TableWriter(store, {"stage": "verify", "version": "1", **recipe})
    width = -(-len(rows) // parts)
    for first in range(0, len(rows), width):
        writer.write(to_table(rows[first : first + width], Verdict))
    return writer


def test_of_eight_writers_at_once_exactly_one_wins(store: Store) -> None:
    wins: list[bool] = []
    barrier = threading.Barrier(8)

    def put(number: int) -> None:
        barrier.wait()
        wins.append(store.put_if_absent("race/object", f"writer {number}".encode()))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == [False] * 7 + [True]


def test_an_artifact_exists_only_after_its_commit(store: Store) -> None:
    writer = write(store, verdicts(4), 2)
    assert store.lookup("verify", writer.key) is None
    manifest = writer.commit({})
    assert store.lookup("verify", writer.key) == manifest
    assert store.rows(store.ref(manifest), Verdict) == verdicts(4)


def test_the_loser_of_a_commit_adopts_the_winner(store: Store) -> None:
    first, second = write(store, verdicts(3), 1), write(store, verdicts(3, "wrong"), 1)
    winner = first.commit({})
    assert second.commit({}) == winner
    assert {row.label for row in store.rows(store.ref(winner), Verdict)} == {"correct"}


def test_a_digest_depends_on_the_rows_and_not_on_parts_or_order(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    rows = verdicts(10)
    digests = {
        write(store, rows, 1, n=1).commit({}).digest,
        write(store, rows, 5, n=2).commit({}).digest,
        write(store, rows[::-1], 3, n=3).commit({}).digest,
    }
    assert len(digests) == 1
    assert write(store, rows[:9], 1, n=4).commit({}).digest not in digests


def test_a_stored_table_opens_with_datasets(store: Store) -> None:
    from datasets import load_dataset

    manifest = write(store, verdicts(5), 2).commit({})
    files = [store.uri(part.path) for part in manifest.parts]
    if not store.is_local:
        pytest.importorskip("s3fs")
    rows = load_dataset("parquet", data_files=files, split="train")
    assert rows.num_rows == 5 and rows.column_names == ["problem_id", "index", "label", "reward", "evidence"]


def test_a_folder_comes_back_whole(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "sub" / "weights").write_bytes(bytes(1000))
    digest = digest_of_folder(folder)
    store.put_folder("finetune/k/a/epoch-1", folder)
    local = store.localize(store.uri("finetune/k/a/epoch-1"), digest, tmp_path / "cache")
    assert digest_of_folder(local) == digest


def test_a_working_store_passes_its_check_and_is_left_empty(store: Store) -> None:
    store.check()
    assert store.listdir("probe") == []


class Overwriting(MemoryFileSystem):
    """A file system whose exclusive mode overwrites, as some S3 look-alikes do."""

    protocol = "overwriting"

    def _open(self, path: str, mode: str = "rb", **options: object) -> object:
        return super()._open(path, "wb" if mode == "xb" else mode, **options)


def test_a_store_without_conditional_put_is_refused() -> None:
    fsspec.register_implementation("overwriting", Overwriting, clobber=True)
    with pytest.raises(UserError, match="conditional put"):
        Store("overwriting://restem-test").check()


def test_a_store_that_ends_with_the_process_is_refused() -> None:
    with pytest.raises(UserError, match="memory"):
        Store("memory://restem-test").check()


@pytest.mark.parametrize("url", ["s3://no-such-bucket/x", "nosuchprotocol://x"])
def test_an_unreachable_store_is_one_sentence(url: str, s3: str) -> None:
    with pytest.raises(UserError) as caught:
        Store(url).check()
    assert "\n" not in str(caught.value)


def test_the_reason_names_what_changed() -> None:
    old = {"stage": "generate", "sampling": {"temperature": 0.7, "top_k": 40}}
    new = {"stage": "generate", "sampling": {"temperature": 0.8, "top_k": 40}}
    assert explain(old, new) == "sampling.temperature: 0.7 -> 0.8"
    assert explain(None, new) == "first time"
    assert key_of(old) != key_of(new)
