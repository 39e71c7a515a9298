"""`restem sandbox selftest`: runs the start-up test by hand, on every host, and shows each finding. Its outcome is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.hosts.docker_launcher import DockerLauncher
from sandbox.hosts.engine import engine_at
from sandbox.hosts.launch import LaunchFailed
from sandbox.image.build import build_image
from sandbox.pool.cell import Cell
from sandbox.pool.heartbeat import Keeper
from sandbox.selftest import remembered
from sandbox.selftest.examine import Finding, examine, tested_by
from sandbox.settings import SandboxSettings
from tasks.domain.errors import UserError


@dataclass(frozen=True)
class HostFinding:
    """A finding and the host that it is about."""

    host: str
    finding: Finding


def selftest(settings: SandboxSettings) -> Iterator[HostFinding]:
    """Yield findings as they come. UserError: no engine, no image, no container."""
    for host in settings.hosts:
        launcher = DockerLauncher(host, settings)
        try:
            cell = Cell(launcher.launch(trusted=False))
            with Keeper(lambda cell=cell: [cell]):  # type: ignore[misc]
                held = True
                for finding in examine(cell, settings):
                    held &= finding.held
                    yield HostFinding(host, finding)
                if (tested := tested_by(launcher, cell, settings)) is not None:
                    remembered.note(tested, passed=held)
        except LaunchFailed as error:
            raise UserError(f"no sandbox container starts: {error}") from error
        finally:
            launcher.close()


def build(settings: SandboxSettings) -> Iterator[tuple[str, str]]:
    """Build the sandbox image on every host; yield pairs of host and image."""
    for host in settings.hosts:
        yield host, build_image(engine_at(host), settings)
