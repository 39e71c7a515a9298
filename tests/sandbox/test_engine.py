"""An engine is asked over its socket as docker-py would ask it, and what is no engine is told in one sentence."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sandbox.hosts.docker_launcher import DockerLauncher
from sandbox.hosts.docker_py import LibraryEngine
from sandbox.hosts.engine import Refused, SocketEngine, engine_at
from sandbox.hosts.launch import LaunchFailed
from sandbox.hosts.owner import OWNER_LABEL
from sandbox.hosts.streams import Stream
from sandbox.pool.cell import Cell
from sandbox.pool.pool import Sandbox
from sandbox.settings import LOCAL_HOST, SandboxSettings
from tasks.domain.errors import UserError

PING = b"HTTP/1.0 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"
NO_ENGINES = {
    "says nothing": b"",
    "speaks another protocol": b"220 mail.example ready\r\n",
    "does not say which version": b"HTTP/1.0 200 OK\r\n\r\nOK",
    "is not ready": b'HTTP/1.0 503 Service Unavailable\r\n\r\n{"message": "starting"}',
}
LIGHT = """
import sys
import tasks.graders.program_file, tasks.graders.program_rows, sandbox.hosts.docker_launcher
print([name for name in ("docker", "requests", "http.client", "ssl", "numpy") if name in sys.modules])
"""


@contextmanager
def answering(path: Path, *answers: bytes) -> Iterator[str]:
    """Something at a unix socket that gives these answers, one a connection."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix://{path}"
        thread.join()


@pytest.mark.parametrize("kind", NO_ENGINES)
def test_what_is_no_engine_is_told_in_one_sentence(tmp_path: Path, kind: str) -> None:
    with (
        answering(tmp_path / "s", NO_ENGINES[kind]) as host,
        pytest.raises(UserError, match="no Docker engine answers at unix://"),
    ):
        engine_at(host)


def test_no_socket_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no Docker engine answers at unix://.*start one"):
        engine_at(f"unix://{tmp_path}/none")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b'HTTP/1.0 200 OK\r\n\r\n{"a": ',
        b"HTTP/1.0 " + b"9" * 5000 + b" OK\r\n\r\n{}",
        b"",
    ],
)
def test_an_answer_that_is_cut_short_is_none(tmp_path: Path, answer: bytes) -> None:
    with answering(tmp_path / "s", PING, answer) as host, pytest.raises(OSError):
        engine_at(host).info()


def test_what_an_engine_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    refusal = b'HTTP/1.0 409 Conflict\r\n\r\n{"message": "removal is already in progress"}'
    with answering(tmp_path / "s", PING, refusal) as host, pytest.raises(Refused, match="already in progress") as found:
        engine_at(host).remove("a")
    assert found.value.status == 409


def test_an_attach_that_is_refused_is_told_like_any_request(tmp_path: Path) -> None:
    said = b'{"message": "No such container: a"}'
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)
    with (
        answering(tmp_path / "s", PING, refusal) as host,
        pytest.raises(Refused, match=r"^No such container: a$") as found,
    ):
        engine_at(host).attach("a")
    assert found.value.status == 404


def test_grading_programs_loads_no_library_for_the_engine() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.heavy
def test_both_ways_find_the_same_engine_and_start_the_same_containers(one_slot: Sandbox) -> None:
    with (
        closing(SocketEngine(LOCAL_HOST.removeprefix("unix://"))) as ours,
        closing(LibraryEngine(LOCAL_HOST)) as library,
    ):
        image = one_slot._launchers[0].image  # type: ignore[attr-defined]
        assert ours.image(image) == library.image(image) is not None
        assert ours.image("no-such-image") is library.image("no-such-image") is None
        assert ours.info()["ID"] == library.info()["ID"]
        for engine in (ours, library):
            launcher = DockerLauncher(LOCAL_HOST, SandboxSettings())
            launcher._engine = engine
            cell = Cell(launcher.launch(trusted=False))
            [made] = [one for one in ours.containers("restem.sandbox") if one["Id"].startswith(cell.link.name)]
            assert made in library.containers(f"restem.sandbox.owner={made['Labels']['restem.sandbox.owner']}")
            cell.kill()
            assert not [one for one in library.containers("restem.sandbox") if one["Id"] == made["Id"]]
            for refused in (lambda: engine.start(made["Id"]), lambda: engine.remove(made["Id"])):  # noqa: B023 - called at once
                with pytest.raises(Refused):
                    refused()
            with pytest.raises(Refused, match=f"No such container: {made['Id']}") as gone:
                engine.attach(made["Id"])
            assert gone.value.status == 404


class NeverStarting(SocketEngine):
    """An engine that starts no container, and keeps its id and the stream that was attached to it."""

    def attach(self, container: str) -> Stream:
        self.container, self.attached = container, super().attach(container)
        return self.attached

    def start(self, container: str) -> None:
        raise Refused(500, "out of cgroups")


@pytest.mark.heavy
def test_of_a_container_that_does_not_start_neither_it_nor_its_socket_stays(one_slot: Sandbox) -> None:
    launcher = DockerLauncher(LOCAL_HOST, SandboxSettings())
    launcher._engine = engine = NeverStarting(LOCAL_HOST.removeprefix("unix://"))
    with pytest.raises(LaunchFailed, match="out of cgroups"):
        launcher.launch(trusted=False)
    assert engine.attached._socket.fileno() == -1  # type: ignore[attr-defined]
    assert engine.container not in [one["Id"] for one in engine.containers(OWNER_LABEL)]
