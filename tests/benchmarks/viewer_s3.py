"""The viewer on a store in S3 beside the same store in a folder: seconds to build the index, to show each page and to search.

The service is SeaweedFS on loopback; each request waits as long as one to another machine does. Targets of a folder do not hold here.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from flows.viewer.app import make_app
from flows.viewer.shelf import Building, Shelf
from tasks.store.artifacts import Store
from tasks.store.workspace import Workspace
from tests.benchmarks.viewer_pages import PAGES, RUN, SEARCHES, make_run, seconds
from tests.faulty_s3 import FaultyS3, faulty
from tests.s3 import BUCKET, seaweedfs

SAMPLES, RUNS, ROUNDS = 64_000, 20, 5
WAIT_S = (
    0.02  # of each request, beside the work of proxy and service: a store in the same region answers in 10 to 30 ms
)


def main(samples: int = SAMPLES) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace = Workspace(f"{folder}/store", f"{folder}/scratch", RUN)
        make_run(workspace, samples)
        for number in range(1, RUNS):  # runs that have only begun, so that the list is as long as a store's
            workspace.store.write_json(f"runs/other-{number}/config.json", {"run": {"name": f"other-{number}"}})
        with in_s3(workspace.store, folder) as remote:
            stores = {"folder": workspace.store, "s3": remote}
            built = {kind: build_s(store, folder / kind) for kind, store in stores.items()}
            clients = {kind: client_of(store, folder / kind) for kind, store in stores.items()}
            first = {kind: seconds(client, f"/run/{RUN}/samples?label=correct") for kind, client in clients.items()}
            return {
                "samples": samples, "objects": len(remote.walk("")), "wait_s": WAIT_S, "build_s": built, "open_s": first,
                "pages_s": {page: medians(clients, path) for page, path in PAGES.items()},
                "searches_s": {kind: searches(clients, f"/run/{RUN}/samples?text={text}") for kind, text in SEARCHES.items()},
            }  # fmt: skip


@contextmanager
def in_s3(store: Store, folder: Path) -> Iterator[Store]:
    """Yield a copy of the store in an S3 service whose answers take as long as over a network."""
    (folder / "weed").mkdir()
    with seaweedfs(folder / "weed") as service, faulty(FaultyS3(service.environment["AWS_ENDPOINT_URL"])) as proxy:
        os.environ.update(service.environment, AWS_ENDPOINT_URL=proxy.url)
        remote = Store(f"s3://{BUCKET}/viewed")
        for path in store.walk(""):
            remote.put_file(path, Path(store.path(path)))
        proxy.wait_s = WAIT_S
        yield remote


def build_s(store: Store, scratch: Path) -> float:
    started = time.monotonic()
    assert not isinstance(Shelf(store, scratch).samples(RUN, wait_s=3600), Building)
    return round(time.monotonic() - started, 1)


def client_of(store: Store, scratch: Path) -> TestClient:
    """Return a viewer as after its restart: the index is there, nothing is open."""
    return TestClient(make_app(store, scratch), base_url="http://127.0.0.1")


def medians(clients: dict[str, TestClient], path: str) -> dict[str, float]:
    """Return the median of each store, asked in turn."""
    found = [{kind: seconds(client, path) for kind, client in clients.items()} for _ in range(ROUNDS)]
    return {kind: statistics.median(one[kind] for one in found) for kind in clients}


def searches(clients: dict[str, TestClient], path: str) -> dict[str, float]:
    """Return what one search takes; a second one would be remembered."""
    return {kind: seconds(client, path) for kind, client in clients.items()}
