"""Docker engines through docker-py: those at tcp:// and ssh:// hosts, and whatever makes images."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any, TypeVar

import docker
import docker.errors
import docker.tls
import requests

from sandbox.hosts.engine import API_SECONDS, ATTACHED, NOT_FOUND, Refused, unreachable
from sandbox.hosts.streams import Stream, stream_of
from tasks.domain.errors import UserError

CONNECTIONS = 64
T = TypeVar("T")


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
        raise unreachable(host, error) from error
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


class LibraryEngine:
    """An engine that docker-py reaches. UserError unless it answers."""

    def __init__(self, host: str) -> None:
        self.host, self._client = host, connect(host)

    def info(self) -> dict[str, Any]:
        return _done(self._client.info)

    def image(self, name: str) -> dict[str, Any] | None:
        try:
            return _done(lambda: self._client.inspect_image(name))
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def containers(self, label: str) -> list[dict[str, Any]]:
        return _done(lambda: self._client.containers(all=True, filters={"label": label}))

    def create(self, name: str, recipe: dict[str, Any]) -> str:
        made: str = _done(lambda: self._client.create_container_from_config(recipe, name))["Id"]
        return made

    def attach(self, container: str) -> Stream:
        return AttachedStream(_done(lambda: self._client.attach_socket(container, params=ATTACHED)))

    def start(self, container: str) -> None:
        _done(lambda: self._client.start(container))

    def remove(self, container: str) -> None:
        _done(lambda: self._client.remove_container(container, force=True))

    def client(self) -> docker.APIClient:
        return self._client

    def close(self) -> None:
        self._client.close()


class AttachedStream:
    """The stream of an attached socket, with the HTTP response that the socket belongs to."""

    def __init__(self, attached: Any) -> None:
        self._attached, self._stream = attached, stream_of(attached)

    def send(self, data: bytes) -> None:
        self._stream.send(data)

    def receive(self, size: int) -> bytes:
        return self._stream.receive(size)

    def close(self) -> None:
        self._stream.close()
        with contextlib.suppress(OSError, ValueError):
            self._attached.close()


def _done(request: Callable[[], T]) -> T:
    """Return the result of a request; what docker-py raises becomes Refused or another OSError."""
    try:
        return request()
    except docker.errors.APIError as error:
        raise Refused(error.status_code or 0, str(error.explanation or error)) from error
    except requests.RequestException:  # an OSError already
        raise
    except docker.errors.DockerException as error:
        raise OSError(str(error)) from error
