"""Supervisors in hardened Docker containers, through docker-py; a socket attached before the start is the link."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import struct
from functools import partial
from http import HTTPStatus
from typing import Any

import docker
import docker.errors
import docker.tls
import requests

from sandbox.hosts import seccomp
from sandbox.hosts.launch import LaunchFailed, Traits, supervisor_options
from sandbox.hosts.owner import LABEL, OWNER_LABEL, UIDS_LABEL, Owner
from sandbox.hosts.streams import stream_of
from sandbox.hosts.uids import UIDS_PER_CONTAINER, claim
from sandbox.image.build import ensure_image
from sandbox.settings import SandboxSettings
from tasks.domain.errors import UserError, one_sentence

log = logging.getLogger(__name__)

STREAM_HEAD = struct.Struct(">BxxxI")  # the engine's own framing of an attached container's output: stream, length
STDERR = 2
NAME = "restem-sandbox-uids-"  # of containers, before the first uid of theirs
WORDS_BYTES = 4096
API_SECONDS = 60
CONNECTIONS = 64
TMP_FILES = 16384  # inodes of /tmp: a million empty files fail early and are wiped quickly
CORE_NANOS = 1_000_000_000
# Of what an engine says of itself, everything that has a part in what its containers can do.
ENGINE_TRAITS = (
    "ID", "ServerVersion", "KernelVersion", "Architecture", "Driver", "CgroupDriver", "CgroupVersion", "DefaultRuntime", "Runtimes",
    "SecurityOptions", "ContainerdCommit", "RuncCommit", "MemoryLimit", "SwapLimit", "CpuCfsQuota", "PidsLimit", "OomKillDisable",
)  # fmt: skip


class DockerLink:
    """A link over an attach socket."""

    def __init__(self, client: docker.APIClient, container: str, attached: Any) -> None:
        self.name = container[:12]
        self._client, self._container = client, container
        self._attached = attached  # holds the HTTP response that the socket belongs to
        self._stream = stream_of(attached)
        self._buffer, self._words = bytearray(), b""

    def send(self, data: bytes) -> None:
        self._stream.send(data)

    def receive(self) -> bytes:
        while True:
            try:
                data = self._stream.receive(1 << 18)
            except (OSError, ValueError):
                return b""
            if not data:
                return b""
            self._buffer += data
            if output := self._unwrapped():
                return output

    def _unwrapped(self) -> bytes:
        """Unwrap the supervisor's stdout from the buffer; its stderr is kept apart."""
        parts, start = [], 0
        while len(self._buffer) - start >= STREAM_HEAD.size:
            stream, length = STREAM_HEAD.unpack_from(self._buffer, start)
            end = start + STREAM_HEAD.size + length
            if len(self._buffer) < end:
                break
            part = bytes(self._buffer[start + STREAM_HEAD.size : end])
            if stream == STDERR:
                self._words = (self._words + part)[-WORDS_BYTES:]
            else:
                parts.append(part)
            start = end
        del self._buffer[:start]
        return b"".join(parts)

    def kill(self) -> None:
        with contextlib.suppress(docker.errors.APIError, requests.RequestException):
            self._client.remove_container(self._container, force=True)
        self._stream.close()
        with contextlib.suppress(OSError, ValueError):
            self._attached.close()

    def last_words(self) -> str:
        return self._words.decode(errors="replace")


class DockerLauncher:
    """Launches containers on one engine. UserError when the engine does not answer or the image cannot be had."""

    def __init__(self, host: str, settings: SandboxSettings) -> None:
        self.host, self._settings, self._owner = host, settings, Owner.me()
        self._client = connect(host)
        remove_dead(self._client)
        self.image = ensure_image(self._client, settings)
        self._engine: dict[str, Any] = self._client.info()

    def cores(self) -> int:
        return int(self._engine["NCPU"])

    def traits(self) -> Traits:
        engine = {name: self._engine.get(name) for name in ENGINE_TRAITS}
        recipe = self._recipe(range(UIDS_PER_CONTAINER), trusted=False) | {"labels": None}
        return Traits(engine, self._client.inspect_image(self.image)["Id"], recipe)

    def launch(self, trusted: bool) -> DockerLink:
        try:
            return self._launch(trusted)
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            raise LaunchFailed(f"{self.host}: {error}") from error

    def _launch(self, trusted: bool) -> DockerLink:
        container = claim(self._settings, self._taken_uids, partial(self._created, trusted))
        try:
            link = DockerLink(self._client, container, self._attach(container))
            self._client.start(container)
        except BaseException:
            with contextlib.suppress(docker.errors.APIError, requests.RequestException):
                self._client.remove_container(container, force=True)
            raise
        return link

    def _created(self, trusted: bool, uids: range) -> str | None:
        """Create a container whose name claims its uids, and return its id; None where that name was given since they were chosen."""
        try:
            return str(self._client.create_container(name=f"{NAME}{uids.start}", **self._recipe(uids, trusted))["Id"])
        except docker.errors.APIError as error:
            if error.status_code == HTTPStatus.CONFLICT:
                return None
            raise

    def _attach(self, container: str) -> Any:
        return self._client.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})

    def _taken_uids(self) -> set[int]:
        found = self._client.containers(all=True, filters={"label": LABEL})
        return {int(one["Labels"].get(UIDS_LABEL, "0")) for one in found}

    def _recipe(self, uids: range, trusted: bool) -> dict[str, Any]:
        options = supervisor_options(uids.start, len(uids), "/tmp")
        labels = {
            LABEL: "tester" if trusted else "candidate",
            OWNER_LABEL: str(self._owner),
            UIDS_LABEL: str(uids.start),
        }
        return {
            "image": self.image,
            "command": [json.dumps(options)],
            "user": "0:0",
            "hostname": "sandbox",
            "stdin_open": True,  # with detach off also "once": the engine closes stdin when the owner's socket closes
            "labels": labels,
            "network_disabled": True,
            "host_config": self._host_config(),
        }

    def _host_config(self) -> Any:
        settings = self._settings
        return self._client.create_host_config(
            auto_remove=True,
            network_mode="none",
            ipc_mode="none",
            read_only=True,
            tmpfs={"/tmp": f"size={settings.tmp_mb}m,nr_inodes={TMP_FILES},mode=1777,nosuid,nodev,noexec"},
            cap_drop=["ALL"],
            cap_add=["SETUID", "SETGID", "KILL"],
            security_opt=["no-new-privileges:true", f"seccomp={seccomp.profile()}"],
            mem_limit=f"{settings.container_memory_mb}m",
            memswap_limit=f"{settings.container_memory_mb}m",
            pids_limit=settings.processes,
            nano_cpus=CORE_NANOS,
            log_config={"type": "none"},
            runtime=settings.runtime,
        )

    def close(self) -> None:
        """Remove every container of this process on this engine."""
        with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
            for one in self._client.containers(all=True, filters={"label": f"{OWNER_LABEL}={self._owner}"}):
                _remove(self._client, one["Id"])
        self._client.close()


class Client(docker.APIClient):
    """A client that ignores the environment's certificates and proxies: they are for the web and would override the engine's."""

    trust_env = property(lambda self: False, lambda self, value: None)


def connect(host: str) -> docker.APIClient:
    """Return a client of an engine that answers; UserError otherwise."""
    try:
        client = Client(
            base_url=host,
            tls=_tls() if host.startswith("tcp://") else False,
            version="auto",
            timeout=API_SECONDS,
            max_pool_size=CONNECTIONS,
            use_ssh_client=host.startswith("ssh://"),
        )
        client.ping()
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise UserError(
            f"no Docker engine answers at {host} ({_reason(error)}): start one (`make sandbox` installs and "
            "starts one on Debian), or name another in the sandbox's hosts; programs are not run without it"
        ) from error
    return client


def _tls() -> docker.tls.TLSConfig:
    """Read TLS settings from the folder that Docker's own client uses; they are required, because an engine that anybody can reach
    over TCP gives root to anybody."""
    folder = os.environ.get("DOCKER_CERT_PATH", "")
    names = [os.path.join(folder, name) for name in ("cert.pem", "key.pem", "ca.pem")]
    if not folder or not all(os.path.exists(name) for name in names):
        raise UserError(
            "a tcp:// Docker host is used with TLS only: set DOCKER_CERT_PATH to a folder with cert.pem, key.pem and ca.pem"
        )
    return docker.tls.TLSConfig(client_cert=(names[0], names[1]), ca_cert=names[2], verify=True)


def remove_dead(client: docker.APIClient) -> list[str]:
    """Remove sandbox containers whose owner is dead, and return their ids."""
    removed = []
    for one in client.containers(all=True, filters={"label": LABEL}):
        owner = Owner.parsed(one["Labels"].get(OWNER_LABEL, ""))
        if owner is not None and owner.dead:
            log.warning("removing sandbox container %s of an owner that is gone", one["Id"][:12])
            _remove(client, one["Id"])
            removed.append(one["Id"][:12])
    return removed


def _remove(client: docker.APIClient, container: str) -> None:
    with contextlib.suppress(docker.errors.APIError):  # it is being removed by itself
        client.remove_container(container, force=True)


def _reason(error: BaseException) -> str:
    return one_sentence(error)[:200]
