"""How containers are started, apart from the protocol; another launcher (Kubernetes) implements `Link` and `Launcher`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class LaunchFailed(Exception):
    """No container could be started now; the same call may work later."""


class Link(Protocol):
    """The byte stream to and from one supervisor. `send` and `receive` may be called from two threads."""

    name: str

    def send(self, data: bytes) -> None:
        """Send all of `data`; OSError when the other side is gone."""

    def receive(self) -> bytes:
        """Return some bytes, as soon as there are any; b"" at the end."""

    def kill(self) -> None:
        """End the other side at once, from any thread; `receive` then returns b""."""

    def last_words(self) -> str:
        """Return what the supervisor wrote on stderr, for an error's detail."""


@dataclass(frozen=True)
class Traits:
    """An engine as it describes itself, the digest of the image, and the recipe of a container, all as JSON would hold them."""

    engine: dict[str, Any]
    image: str
    recipe: dict[str, Any]


class Launcher(Protocol):
    """Starts supervisors on one host."""

    host: str

    def cores(self) -> int:
        """Return the number of cores of the host."""

    def traits(self) -> Traits | None:
        """Return what decides how strong its containers are; None where that is not known."""

    def launch(self, trusted: bool) -> Link:
        """Start a fresh supervisor; LaunchFailed when none can be started now."""

    def leave(self) -> None:
        """Note that this process is about to end: what loses its owner ends by itself, and nobody waits for it any more."""

    def close(self) -> None:
        """End everything that this launcher started."""


def supervisor_options(uid_first: int, uid_count: int, tmp: str, trusted: bool) -> dict[str, Any]:
    """Return the options that a supervisor is started with. `trusted`: it runs tests, and no program."""
    return {
        "uid_first": uid_first, "uid_count": uid_count, "tmp": tmp, "silence_seconds": SILENCE_SECONDS, "trusted": trusted,
    }  # fmt: skip


SILENCE_SECONDS = 8.0  # a supervisor that hears nothing for this long ends: its owner is gone
HEARTBEAT_SECONDS = 1.0
