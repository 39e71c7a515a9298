"""The viewer over a store in a real S3 service: the same samples as from the folder, every page, and nothing written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from flows.viewer.app import make_app
from tasks.store.artifacts import Store
from tests.flows.viewer.asking import page
from tests.flows.viewer.stores import make_viewed
from tests.s3 import BUCKET, S3, seaweedfs

pytestmark = pytest.mark.heavy

PAGES = ("/", "/nights", "/nights/nightly", "/run/small", "/run/small/report", "/run/small/data/1.jsonl", "/run/small/file/table.csv",
         "/compare?run=small&run=other")  # fmt: skip
SAMPLES = ("", "?label=correct", "?part=test&sampling=greedy", "?text=%23%23%23%23+2", "?fate=kept")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_viewed(tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with seaweedfs(tmp_path_factory.mktemp("weed")) as made:
        yield made


@pytest.fixture
def remote(local: Store, service: S3, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    store = Store(f"s3://{BUCKET}/viewed")
    for path in local.walk(""):
        store.put_file(path, Path(local.path(path)))
    return store


def articles(text: str) -> list[str]:
    """What the page shows of each sample."""
    return re.findall(r"<article.*?</article>", text, re.DOTALL)


def test_a_store_in_s3_is_shown_as_the_folder_is_and_nothing_is_written(
    local: Store, remote: Store, tmp_path: Path
) -> None:
    here, there = (
        TestClient(make_app(store, tmp_path / name), base_url="http://127.0.0.1")
        for store, name in ((local, "here"), (remote, "there"))
    )
    before = remote.walk("")
    for path in PAGES:
        assert there.get(path).status_code == here.get(path).status_code == 200, path
    for query in SAMPLES:
        address = f"/run/small/samples{query}"
        shown = articles(page(there, address))
        assert shown and shown == articles(page(here, address)), query
    assert "from a remote store" in page(there, "/run/small/samples")
    problem = re.search(r'href="(/run/small/problem[^"#]*)', page(there, "/run/small/samples"))
    assert problem and articles(page(there, problem[1])) == articles(page(here, problem[1]))
    assert remote.walk("") == before


def test_a_store_that_does_not_answer_is_one_sentence(
    remote: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TestClient(make_app(remote, tmp_path), base_url="http://127.0.0.1")
    assert client.get("/run/small").status_code == 200
    gone = TestClient(make_app(Store("s3://no-such-bucket/viewed"), tmp_path / "gone"), base_url="http://127.0.0.1")
    answer = gone.get("/run/small")
    assert answer.status_code in (404, 502) and "Traceback" not in answer.text and "small" in answer.text
