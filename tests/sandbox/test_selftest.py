"""The start-up self-test passes on our containers and refuses weaker ones; canaries stop a container that changed."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.hosts.docker_launcher import DockerLauncher
from sandbox.pool.cell import Cell
from sandbox.pool.heartbeat import Keeper
from sandbox.pool.pool import Sandbox
from sandbox.selftest.examine import examine
from sandbox.settings import SandboxSettings
from tasks.domain.errors import UserError
from tests.sandbox.conftest import docker_sandbox

pytestmark = pytest.mark.heavy

HOST = "unix:///var/run/docker.sock"
WEAKER: dict[str, tuple[dict[str, Any], str]] = {
    "no system call filter": ({"SecurityOpt": ["no-new-privileges:true", "seccomp=unconfined"]}, "identity"),
    "new privileges": ({"SecurityOpt": []}, "identity"),
    "a writable root": ({"ReadonlyRootfs": False, "Tmpfs": {"/tmp": "mode=1777", "/run": "mode=1777"}}, "files"),
    "the host's network": ({"NetworkMode": "host", "SecurityOpt": ["seccomp=unconfined"]}, "network"),
    "more memory than asked": ({"Memory": 2 << 30, "MemorySwap": 2 << 30}, "control group limits"),
    "no process limit": ({"PidsLimit": -1}, "process limit of the container"),
    "a writable docker socket": ({"Binds": ["/var/run/docker.sock:/var/run/docker.sock"]}, "files"),
}


class WeakLauncher(DockerLauncher):
    """The real launcher, with parts of the recipe changed."""

    def __init__(self, changes: dict[str, Any]) -> None:
        super().__init__(HOST, SandboxSettings())
        self._changes = changes

    def _host_config(self) -> Any:
        return super()._host_config() | self._changes

    def _recipe(self, uids: range, trusted: bool) -> dict[str, Any]:
        return super()._recipe(uids, trusted) | {"NetworkDisabled": self._changes.get("NetworkMode") is None}


def broken_probes(changes: dict[str, Any]) -> list[str]:
    launcher = WeakLauncher(changes)
    try:
        cell = Cell(launcher.launch(trusted=False))
        with Keeper(lambda: [cell]):
            return [finding.probe for finding in examine(cell, SandboxSettings()) if not finding.held]
    finally:
        launcher.close()


def test_our_containers_hold(one_slot: Sandbox) -> None:
    assert broken_probes({}) == []


@pytest.mark.parametrize("weakness", WEAKER)
def test_a_weaker_container_is_found_out(one_slot: Sandbox, weakness: str) -> None:
    changes, probe = WEAKER[weakness]
    found = broken_probes(changes)
    assert any(name.startswith(probe) for name in found), found


def test_an_image_that_is_not_ours_is_one_sentence(one_slot: Sandbox) -> None:
    with pytest.raises(UserError, match="can it be pulled"):
        docker_sandbox(image="restem-no-such-image:none")


def test_no_engine_is_one_sentence() -> None:
    from sandbox.pool.pool import open_sandbox

    with pytest.raises(UserError, match="no Docker engine answers at unix:///nowhere"):
        open_sandbox(SandboxSettings(hosts=("unix:///nowhere.sock",)))


def test_the_plain_backend_wants_to_be_asked_for() -> None:
    from sandbox.pool.pool import open_sandbox

    with pytest.raises(UserError, match="unsafe = true"):
        open_sandbox(SandboxSettings(backend="process"))
