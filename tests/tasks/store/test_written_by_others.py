"""What another process writes to S3 counts at once: a listing that was read earlier is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.store.artifacts import Store
from tests.s3 import BUCKET, _client, s3_server

pytestmark = pytest.mark.heavy


def test_size_and_delete_see_what_another_process_has_written_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server(tmp_path) as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        store, other = Store(f"s3://{BUCKET}/root"), _client(service.environment)
        store.write_bytes("samples/pool/1", b"x")
        assert (store.size(""), store.size("samples"), store.size("samples/pool/2")) == (1, 1, 0)
        other.put_object(Bucket=BUCKET, Key="root/samples/pool/2", Body=bytes(10))
        assert (store.size(""), store.size("samples"), store.size("samples/pool/2")) == (11, 11, 10)
        other.put_object(Bucket=BUCKET, Key="root/samples/pool/3", Body=bytes(10))
        store.delete("samples")
        assert service.objects(BUCKET) == []
