"""The start-up test: it runs probes in a container like those that will be used; if one escapes, no container is used.

It also checks that the host knows the container's control group (version 1 or 2) and that its limits are the requested ones. A
pass is remembered (`remembered`), so it is run once per boot, engine and image.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.hosts.launch import Launcher
from sandbox.pool.cell import Cell
from sandbox.selftest import remembered
from sandbox.selftest.probes import canary, has_own_kernel, probes
from sandbox.settings import SandboxSettings
from tasks.domain.errors import UserError

MB = 1 << 20


@dataclass(frozen=True)
class Finding:
    """One probe's outcome."""

    probe: str
    held: bool
    detail: str


def examine(cell: Cell, settings: SandboxSettings) -> Iterator[Finding]:
    """Run every probe on this cell, in order."""
    yield from _limits_as_asked(cell, settings)
    for probe in [*probes(settings), canary(settings)]:
        found = cell.run(probe.job)
        held = probe.held(found)
        detail = f"{found.ending} {found.detail} {found.stdout[-300:]!r} {found.stderr_tail[-300:]}"
        yield Finding(probe.name, held, "" if held else detail)


def _limits_as_asked(cell: Cell, settings: SandboxSettings) -> Iterator[Finding]:
    version, limits = cell.hello["cgroup"], cell.hello["limits"]
    if version is None and has_own_kernel(settings):
        return  # gVisor keeps control groups to itself: the probes that use up memory and processes decide
    known = version in (1, 2)
    yield Finding(
        "control group version", known, "" if known else "neither version 1 nor 2 is visible in the container"
    )
    wanted = {"memory": str(settings.container_memory_mb * MB), "pids": str(settings.processes)}
    yield Finding("control group limits", limits == wanted, "" if limits == wanted else f"{limits}, asked: {wanted}")


_passed: set[tuple[str, str]] = set()
_passing = threading.Lock()


def require(launcher: Launcher, cell: Cell, settings: SandboxSettings) -> None:
    """Raise UserError naming what failed. The test runs once per process for each host and settings, and not where it is remembered
    to have passed (`remembered`); the limits that the container states are compared each time."""
    here = (launcher.host, settings.model_dump_json())
    with _passing:
        if here in _passed:
            return
        tested = tested_by(launcher, cell, settings)
        known = tested is not None and not settings.probe_again and remembered.has_passed(tested)
        findings = _limits_as_asked(cell, settings) if known else examine(cell, settings)
        failed = [finding for finding in findings if not finding.held]
        cell.deadline = None  # it may be used now
        if failed:
            raise UserError(
                f"the sandbox on {launcher.host} does not hold, so no program is run: {_what(failed, tested)}"
            )
        if tested is not None and not known:
            remembered.note(tested, passed=True)
        _passed.add(here)


def _what(failed: list[Finding], tested: remembered.Conditions | None) -> str:
    """Return what failed, having taken back an earlier pass; where that fails it is said too."""
    said = [f"{finding.probe}: {finding.detail.strip()}" for finding in failed[:3]]
    try:
        if tested is not None:
            remembered.note(tested, passed=False)
    except UserError as error:
        said.append(str(error))
    return "; ".join(said)


def tested_by(launcher: Launcher, cell: Cell, settings: SandboxSettings) -> remembered.Conditions | None:
    """Return what the test's outcome depends on; None where it is not known, or where each container has a kernel of its own."""
    boot, traits = cell.hello.get("boot"), launcher.traits()
    if boot is None or traits is None or has_own_kernel(settings):
        return None
    uids = (settings.uid_first, settings.uid_last)
    return remembered.Conditions(boot, traits.engine, traits.image, traits.recipe, uids, remembered.test_digest())
