"""An S3 service behind a network: each request waits, a share is answered with an error, cut off or delayed, or nothing answers at all.

Signatures cover the address that a client spoke to, and it is passed on, so the service checks them as it always does.
"""

from __future__ import annotations

import http.client
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

FAULTS = ("refused", "answer lost", "cut off", "late")  # refused: not done; answer lost: done, and told otherwise
LATE_S = 2.0
HOPS = ("connection", "transfer-encoding", "keep-alive")


@dataclass
class FaultyS3:
    """The proxy; `share` of the requests fail by a fault drawn with `seed`. While `down`, each connection is closed at once."""

    target: str
    share: float = 0.0
    seed: int = 0
    host: str = "127.0.0.1"
    down: bool = False
    wait_s: float = 0.0  # of each request
    seen: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def __post_init__(self) -> None:
        self._rng, self._lock = random.Random(self.seed), threading.Lock()

    def drawn(self) -> str:
        """Return the fault of the next request, empty for none."""
        with self._lock:
            fault = self._rng.choice(FAULTS) if self._rng.random() < self.share else ""
            self.seen[fault or "answered"] += 1
            return fault


@contextmanager
def faulty(proxy: FaultyS3) -> Iterator[FaultyS3]:
    """The proxy listens while the block runs; `proxy.url` is its address."""
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = _Server((proxy.host, 0), handler)
    server.daemon_threads = True
    proxy.url = f"http://{proxy.host}:{server.server_port}"
    threading.Thread(target=server.serve_forever, name="faulty-s3", daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that was killed in the middle of a request."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultyS3
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        fault = "cut off" if self.proxy.down else self.proxy.drawn()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault in ("refused", "cut off"):
            self._fail(fault)
            return
        time.sleep(self.proxy.wait_s + (LATE_S if fault == "late" else 0))
        target = urlsplit(self.proxy.target)
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if fault == "answer lost":
            self._fail(fault)
            return
        self._answer(answer, content)

    def _answer(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response(answer.status)
        bare = self.command == "HEAD"  # whose length is that of the body which it does not send
        for name, value in answer.getheaders():
            if name.lower() not in (*HOPS, "date", "server") and (bare or name.lower() != "content-length"):
                self.send_header(name, value)
        if not bare:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _fail(self, fault: str) -> None:
        self.close_connection = True
        if fault == "cut off":
            return
        self.send_response(503 if fault == "refused" else 500)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on

    def log_message(self, *_: object) -> None:
        """Say nothing."""
