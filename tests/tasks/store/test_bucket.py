"""A bucket is made where there is none, once; a store that cannot be used is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from s3fs import S3FileSystem

from tasks.domain.errors import UserError
from tasks.processes.ports import free_port
from tasks.store.bucket import make_bucket
from tasks.store.objects import ObjectStore
from tests.s3 import environment_of, s3_server, seaweedfs

SERVICES = {"moto": s3_server, "weed": seaweedfs}


@pytest.fixture(params=["moto", pytest.param("weed", marks=pytest.mark.heavy)])
def service(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with SERVICES[request.param](tmp_path) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.mark.usefixtures("service")
def test_a_bucket_is_made_once_and_what_lies_in_it_stays() -> None:
    store = ObjectStore("s3://new-one/some/prefix")
    make_bucket(store)
    store.write_bytes("kept", b"1")
    make_bucket(store)
    assert store.walk("") == ["kept"]


def test_a_service_that_never_answers_is_one_sentence_that_names_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment_of(free_port()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # botocore would wait half a minute between its own
    S3FileSystem.clear_instance_cache()
    with pytest.raises(UserError, match=r"the bucket of s3://b/p is not ready after 0 s: \S") as caught:
        make_bucket(ObjectStore("s3://b/p"), patience_s=0.0)
    assert "\n" not in str(caught.value)
