"""A port on loopback for a server that is started next."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Return a port that nobody listens on now; another process may still take it before the server does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
