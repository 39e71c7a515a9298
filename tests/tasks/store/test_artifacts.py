"""The store's promises, on every kind of store: conditional put, complete-or-absent files, digests that ignore partition."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from s3fs import S3FileSystem

from tasks.domain.errors import StoreUnavailable, UserError
from tasks.domain.schema import Verdict, to_table
from tasks.store.artifacts import Store, TableWriter, digest_of_folder, explain, key_of
from tests.s3 import BUCKET, S3, environment_of, rclone, s3_server, seaweedfs


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("moto")) as service:
        yield service


@pytest.fixture(scope="module")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with seaweedfs(tmp_path_factory.mktemp("weed")) as service:
        yield service


@pytest.fixture(params=["local", "moto", pytest.param("weed", marks=pytest.mark.heavy)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "local":
        yield Store(str(tmp_path / "store"))
    else:
        with named(request.getfixturevalue(request.param)):
            yield Store(f"s3://{BUCKET}/{tmp_path.name}")


@contextmanager
def named(service: S3) -> Iterator[None]:
    """The service is named by the environment, as a user names it, and its clients end with it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service.environment.items():
            patch.setenv(name, value)
        S3FileSystem.clear_instance_cache()
        yield
    S3FileSystem.clear_instance_cache()


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


@pytest.mark.heavy
def test_a_real_service_that_overwrites_is_refused(tmp_path: Path) -> None:
    with rclone(tmp_path) as service, named(service), pytest.raises(UserError, match="has no conditional put"):
        Store(f"s3://{BUCKET}/root").check()


def test_an_empty_object_is_not_put_on_a_condition(store: Store) -> None:
    with pytest.raises(ValueError, match="empty"):
        store.put_if_absent("a/b", b"")
    assert store.listdir("a") == []


@contextmanager
def answering(*statuses: int) -> Iterator[list[str | None]]:
    """A service that answers puts with these statuses in turn, without any body, and 200 afterwards; yields conditions seen."""
    conditions: list[str | None] = []
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the client waits for its "100 Continue"

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            conditions.append(self.headers.get("If-None-Match"))
            self.answer(left.pop(0) if left else 200, b"")

        def do_GET(self) -> None:
            self.answer(200, b"somebody else's")

        def do_HEAD(self) -> None:
            self.answer(200, b"")

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with named(S3(environment_of(server.server_address[1]))):
            yield conditions
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("statuses", "won"), [((), True), ((412,), False), ((409,), True), ((409, 409, 412), False)])
def test_the_status_alone_says_whether_a_conditional_put_won(statuses: tuple[int, ...], won: bool) -> None:
    with answering(*statuses) as conditions:
        assert Store(f"s3://{BUCKET}/root").put_if_absent("a/b", b"ours") is won
    assert conditions == ["*"] * (len(statuses) + (statuses[-1:] != (412,)))


def test_a_service_that_never_ends_a_conflict_is_away_and_holds_nothing() -> None:
    with answering(*[409] * 50), pytest.raises(StoreUnavailable, match="409"):
        Store(f"s3://{BUCKET}/root").put_if_absent("a/b", b"ours")


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
def test_an_unreachable_store_is_one_sentence(url: str, moto: S3) -> None:
    with named(moto), pytest.raises(UserError) as caught:
        Store(url).check()
    assert "\n" not in str(caught.value)


def test_the_reason_names_what_changed() -> None:
    old = {"stage": "generate", "sampling": {"temperature": 0.7, "top_k": 40}}
    new = {"stage": "generate", "sampling": {"temperature": 0.8, "top_k": 40}}
    assert explain(old, new) == "sampling.temperature: 0.7 -> 0.8"
    assert explain(None, new) == "first time"
    assert key_of(old) != key_of(new)
