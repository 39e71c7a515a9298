"""How a container comes to be, apart from what is said to it: another launcher (Kubernetes) implements these two."""

from __future__ import annotations

from typing import Any, Protocol


class LaunchFailed(Exception):
    """No container now; the same call may work later."""


class Link(Protocol):
    """The byte stream to and from one supervisor. `send` and `receive` may be called from two threads."""

    name: str

    def send(self, data: bytes) -> None:
        """All of `data`; OSError when the other side is gone."""

    def receive(self) -> bytes:
        """Some bytes, as soon as there are any; b"" at the end."""

    def kill(self) -> None:
        """End the other side at once, from any thread; `receive` then returns b""."""

    def last_words(self) -> str:
        """What the supervisor wrote on stderr, for a detail."""


class Launcher(Protocol):
    """Starts supervisors on one host."""

    host: str

    def cores(self) -> int:
        """Cores of the host."""

    def launch(self, trusted: bool) -> Link:
        """A fresh supervisor; LaunchFailed when there is none now."""

    def close(self) -> None:
        """Nothing that it started is left."""


def supervisor_options(uid_first: int, uid_count: int, tmp: str) -> dict[str, Any]:
    """What a supervisor is told at its start."""
    return {"uid_first": uid_first, "uid_count": uid_count, "tmp": tmp, "silence_seconds": SILENCE_SECONDS}


SILENCE_SECONDS = 8.0  # a supervisor that hears nothing for this long ends: its owner is gone
HEARTBEAT_SECONDS = 1.0
