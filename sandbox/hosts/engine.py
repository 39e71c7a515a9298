"""What the sandbox asks of a Docker engine. An engine behind a unix socket, as nearly all are, is asked over that socket: docker-py and
its HTTP library take longer to load than a container takes to start. It is used for tcp:// and ssh:// hosts, and to make images."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode

from sandbox.hosts.streams import PlainStream, Stream
from tasks.domain.errors import UserError, one_sentence

if TYPE_CHECKING:
    import docker

UNIX = "unix://"
API_SECONDS = 60
HEAD_END = b"\r\n\r\n"
HEAD_BYTES = 1 << 14
ERRORS, NOT_FOUND = 400, 404
ATTACHED = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}


class Refused(OSError):
    """The engine answered that it does not do what was asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Engine(Protocol):
    """An engine that answers. Every method raises OSError when it does not any more, or `Refused`. Thread-safe."""

    host: str

    def info(self) -> dict[str, Any]:
        """Return what the engine says of itself."""

    def image(self, name: str) -> dict[str, Any] | None:
        """Return an image's description; None where the engine has no such image."""

    def containers(self, label: str) -> list[dict[str, Any]]:
        """Return the containers with this label (`name` or `name=value`), whether they run or not."""

    def create(self, name: str, recipe: dict[str, Any]) -> str:
        """Create a container of this name from what the API's `/containers/create` takes, and return its id."""

    def attach(self, container: str) -> Stream:
        """Return the stream to and from a container that has not been started yet."""

    def start(self, container: str) -> None: ...

    def remove(self, container: str) -> None:
        """End and remove a container."""

    def client(self) -> docker.APIClient:
        """Return docker-py's client of this engine: images are pulled and built with it."""

    def close(self) -> None: ...


def engine_at(host: str) -> Engine:
    """Return the engine at `host`; UserError unless it answers."""
    if host.startswith(f"{UNIX}/"):
        return SocketEngine(host.removeprefix(UNIX))
    from sandbox.hosts.docker_py import LibraryEngine

    return LibraryEngine(host)


def unreachable(host: str, error: BaseException) -> UserError:
    """Return what a person is told who named an engine that does not answer."""
    return UserError(
        f"no Docker engine answers at {host} ({one_sentence(error)[:200]}): start one (`make sandbox` installs and "
        "starts one on Debian), or name another in the sandbox's hosts; programs are not run without it"
    )


class SocketEngine:
    """An engine behind a unix socket: one connection a request, which the engine closes after its answer (HTTP/1.0). UserError unless it answers."""

    def __init__(self, path: str) -> None:
        self.host, self._path = f"{UNIX}{path}", path
        self._version = ""
        try:
            version = self._asked("GET", "/_ping").headers["api-version"]
        except (OSError, KeyError) as error:
            raise unreachable(self.host, error) from error
        self._version = f"/v{version}"

    def info(self) -> dict[str, Any]:
        found: dict[str, Any] = self._asked("GET", "/info").json()
        return found

    def image(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._asked("GET", f"/images/{quote(name)}/json").json()
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return found

    def containers(self, label: str) -> list[dict[str, Any]]:
        query = urlencode({"all": 1, "filters": json.dumps({"label": [label]})})
        found: list[dict[str, Any]] = self._asked("GET", f"/containers/json?{query}").json()
        return found

    def create(self, name: str, recipe: dict[str, Any]) -> str:
        made: str = self._asked("POST", f"/containers/create?{urlencode({'name': name})}", recipe).json()["Id"]
        return made

    def attach(self, container: str) -> Stream:
        connection = self._connection()
        try:
            path = f"{self._version}/containers/{container}/attach?{urlencode(ATTACHED)}"
            connection.sendall(_head("POST", path, "1.1", "Connection: Upgrade\r\nUpgrade: tcp\r\n"))
            head = b""
            while not head.endswith(HEAD_END):  # to the byte: what follows is the container's
                if len(head) > HEAD_BYTES or not (part := connection.recv(1)):
                    raise OSError("the engine closed a connection that was to be a container's")
                head += part
            if _status(head) >= ERRORS:
                connection.shutdown(socket.SHUT_WR)  # nothing more is asked, so the engine closes after its answer
                head += _rest(connection)
            _checked(Answer(head))
        except BaseException:
            connection.close()
            raise
        return PlainStream(connection)

    def start(self, container: str) -> None:
        self._asked("POST", f"/containers/{container}/start")

    def remove(self, container: str) -> None:
        self._asked("DELETE", f"/containers/{container}?force=1")

    def client(self) -> docker.APIClient:
        from sandbox.hosts.docker_py import connect

        return connect(self.host)

    def close(self) -> None:
        """Do nothing, because no connection is kept."""

    def _asked(self, method: str, path: str, content: Any = None) -> Answer:
        data = b"" if content is None else json.dumps(content).encode()
        head = _head(method, self._version + path, "1.0", f"Content-Length: {len(data)}\r\n")
        with self._connected() as connection:
            connection.sendall(head + data)
            return _checked(Answer(_rest(connection)))

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        connection = self._connection()
        try:
            yield connection
        finally:
            connection.close()

    def _connection(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(API_SECONDS)
        try:
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        return connection


class Answer:
    """An engine's whole answer to one request. OSError when it was cut short."""

    def __init__(self, data: bytes) -> None:
        head, end, self.body = data.partition(HEAD_END)
        if not end:
            raise _no_engine(data)
        self.status = _status(head)
        lines = head.decode("latin-1").split("\r\n")[1:]
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        try:
            length = int(self.headers.get("content-length", 0))
        except ValueError:
            raise _no_engine(head) from None
        if len(self.body) < length:
            raise OSError("the engine's answer was cut short")

    def json(self) -> Any:
        """Return the content. OSError where it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise OSError(f"the engine's answer was cut short ({error})") from error


def _head(method: str, path: str, version: str, more: str) -> bytes:
    return f"{method} {path} HTTP/{version}\r\nHost: docker\r\nContent-Type: application/json\r\n{more}\r\n".encode()


def _rest(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def _status(head: bytes) -> int:
    """Return the status of an answer. OSError where it has none."""
    try:
        return int(head.split(b"\r\n")[0].split(b" ", 2)[1])
    except (IndexError, ValueError):
        raise _no_engine(head) from None


def _no_engine(said: bytes) -> OSError:
    first = said.decode("latin-1").split("\r\n")[0]
    return OSError(f"what answered is no Docker engine: {first[:80]!r}")


def _checked(answer: Answer) -> Answer:
    """Return the answer to a request that was done; raises Refused."""
    if answer.status >= ERRORS:
        raise Refused(answer.status, _message(answer))
    return answer


def _message(answer: Answer) -> str:
    try:
        return str(answer.json()["message"])
    except (OSError, KeyError, TypeError):
        return answer.body.decode(errors="replace")[:200] or f"status {answer.status}"
