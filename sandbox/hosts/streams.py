"""One interface for the three kinds of connection to an attached container: one thread sends, another receives."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import ssl

TURN_SECONDS = 5.0


class Stream(Protocol):
    """`receive` gives b"" at the end; OSError or ValueError when the connection broke."""

    def send(self, data: bytes) -> None: ...

    def receive(self, size: int) -> bytes: ...

    def close(self) -> None: ...


class PlainStream:
    """A unix or TCP socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        connection.settimeout(None)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self, size: int) -> bytes:
        return self._socket.recv(size)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that reads
        self._socket.close()


class TlsStream:
    """A TLS session, which two threads must not use at once: each operation takes a lock and never waits while it holds it."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._socket, self._turn = connection, threading.Lock()
        connection.setblocking(False)

    def send(self, data: bytes) -> None:
        import ssl

        view = memoryview(data)
        while view:
            try:
                with self._turn:
                    view = view[self._socket.send(view) :]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                select.select([], [self._socket], [], TURN_SECONDS)

    def receive(self, size: int) -> bytes:
        import ssl

        while True:
            try:
                with self._turn:
                    return self._socket.recv(size)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                select.select([self._socket], [], [], TURN_SECONDS)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class SshStream:
    """The pipes of an `ssh` process. docker-py's own `recv` would wait until it has every byte asked for."""

    def __init__(self, process: Any) -> None:
        self._process = process

    def send(self, data: bytes) -> None:
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def receive(self, size: int) -> bytes:
        data: bytes = self._process.stdout.read1(size)
        return data

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def stream_of(attached: Any) -> Stream:
    """Return the stream for what docker-py's `attach_socket` returns for this kind of host."""
    if getattr(attached, "proc", None) is not None:
        return SshStream(attached.proc)
    import ssl

    connection = getattr(attached, "_sock", attached)
    return TlsStream(connection) if isinstance(connection, ssl.SSLSocket) else PlainStream(connection)
