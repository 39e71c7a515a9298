"""A port on loopback for a server that is started next."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port that nobody listens on now; the server that takes it must still be ready to find it taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
