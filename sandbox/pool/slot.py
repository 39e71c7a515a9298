"""One slot: a thread that keeps one cell busy and replaces it when anything is wrong."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections import deque
from dataclasses import replace

from sandbox.hosts.launch import LaunchFailed
from sandbox.image.inside import frames
from sandbox.image.inside.packages import PACKAGES
from sandbox.job import Execution, Job
from sandbox.pool.cell import Cell, execution, words
from sandbox.pool.dispatch import Dispatch, Ticket
from sandbox.pool.nursery import Nursery
from sandbox.selftest.probes import canary
from sandbox.settings import SandboxSettings
from sandbox.status import Ending

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
AHEAD_SECONDS = 0.2  # work handed out ahead
PACE_WEIGHT = 0.2
CANARY_JOBS = 500
MAX_DEAD_CANARIES = 3
_MISSING = re.compile(r"^ModuleNotFoundError: No module named '(\w+)[.\w]*'\s*\Z", re.MULTILINE)


def lacking(found: Execution, job: Job, present: list[str]) -> Execution:
    """Turn the ending of a program that imports a package which this image lacks into INFRA: it says nothing about the program."""
    missing = _MISSING.search(found.stderr_tail) if found.ending == Ending.RE else None
    if missing is None or missing[1] in present or missing[1] not in PACKAGES:
        return found
    if not re.search(rb"^[ \t]*(?:import|from)[ \t]+" + missing[1].encode() + rb"\b", job.source, re.MULTILINE):
        return found
    detail = f"the sandbox image has no package {missing[1]}: build it with that package, or name another image"
    return replace(found, ending=Ending.INFRA, detail=detail)


class Slot(threading.Thread):
    """A thread that runs until its dispatch closes."""

    def __init__(self, number: int, settings: SandboxSettings, dispatch: Dispatch, nursery: Nursery) -> None:
        super().__init__(name=f"sandbox-slot-{number}", daemon=True)
        self._settings, self._dispatch, self._nursery = settings, dispatch, nursery
        self.up = threading.Event()
        self._canary_at = self._dead_canaries = 0
        self._pace = AHEAD_SECONDS  # seconds a job, as lately seen

    def run(self) -> None:
        while not self._dispatch.closed:
            cell = self._patient_cell()
            if cell is not None:
                self.up.set()
                with contextlib.suppress(OSError):
                    self._serve(cell)
                self._nursery.discard(cell)

    def _patient_cell(self) -> Cell | None:
        """Wait for a cell, however long the engine is away; jobs that wait longer than `patience_seconds` end as INFRA."""
        since = time.monotonic()
        while not self._dispatch.closed:
            try:
                return self._nursery.cell()
            except LaunchFailed as error:
                if self._dispatch.closed:  # while it was being started: nobody waits for it
                    return None
                log.warning("no container: %s", error)
                if time.monotonic() - since > self._settings.patience_seconds and not self._nursery.watched():
                    self._dispatch.abandon(f"no container for {time.monotonic() - since:.0f} s: {error}")
                time.sleep(RETRY_SECONDS)
        return None

    def _serve(self, cell: Cell) -> None:
        """Serve a cell until it has done its share, or ends."""
        flying: deque[Ticket] = deque()
        self._canary_at = 0
        while not cell.gone or flying:
            if not self._refill(cell, flying):
                return
            if not flying:
                if cell.jobs >= self._settings.jobs_per_container or not self._canary_lives(cell):
                    return
                continue
            reason = self._next(cell, flying)
            if reason is not None:
                log.info("container %s is replaced: %s", cell.link.name, reason)
                self._dispatch.lost(list(flying), reason)
                return

    def _refill(self, cell: Cell, flying: deque[Ticket]) -> bool:
        """Hand out more jobs where there is room; False when the sandbox is closed."""
        room = self._room(cell, flying)
        if room <= 0:
            return True
        taken = self._dispatch.take(room, busy=bool(flying))
        if taken is None:
            self._dispatch.lost(list(flying), "the sandbox is closed")
            return False
        taken = [ticket for ticket in taken if not self._lacks_numpy(cell, ticket)]
        if taken and not flying:
            cell.expect(taken[0].job)
        flying.extend(taken)
        with contextlib.suppress(OSError):  # reading tells the same, and then all in flight are lost together
            if taken:
                cell.send_jobs([ticket.job for ticket in taken])
        return True

    def _lacks_numpy(self, cell: Cell, ticket: Ticket) -> bool:
        lacks = ticket.job.numpy and "numpy" not in cell.hello["packages"]
        if lacks:
            detail = "the program asks for numpy and the sandbox image has none: build it with numpy, or name another"
            self._dispatch.done(ticket, Execution(Ending.INFRA, detail=detail))
        return lacks

    def _room(self, cell: Cell, flying: deque[Ticket]) -> int:
        """Return how many more jobs fit: short jobs are sent in batches, but none should wait behind a long one."""
        if cell.gone or cell.jobs >= self._canary_at or (flying and flying[-1].by_itself):
            return 0
        ahead = min(self._settings.pipeline, int(AHEAD_SECONDS / max(self._pace, 1e-4)))
        if flying and len(flying) > ahead // 2:
            return 0
        return min(max(1, ahead - len(flying)), self._settings.jobs_per_container - cell.jobs)

    def _canary_lives(self, cell: Cell) -> bool:
        """Run a program with a known answer, first and then every few hundred jobs, to check that the container is sound."""
        if cell.jobs < self._canary_at:
            return True
        probe = canary(self._settings)
        found = cell.run(probe.job)
        cell.deadline = None
        self._canary_at = cell.jobs + CANARY_JOBS
        held = probe.held(found)
        if found.ending == Ending.INFRA:  # its container ended, as any may
            return False
        self._dead_canaries = 0 if held else self._dead_canaries + 1
        if not held:
            log.error("container %s is replaced, its canary died: %s", cell.link.name, found)
        if self._dead_canaries >= MAX_DEAD_CANARIES:
            self._dispatch.abandon(f"the canary died in {self._dead_canaries} containers in a row: {found.detail}")
        return held

    def _next(self, cell: Cell, flying: deque[Ticket]) -> str | None:
        """Handle one frame; return a reason when the cell cannot go on."""
        kind, payload = cell.next_frame()
        first = flying[0]
        if kind == frames.RESULT:
            flying.popleft()
            cell.deadline = None
            if flying:
                cell.expect(flying[0].job)
            found = lacking(execution(payload), first.job, cell.hello["packages"])
            self._pace += PACE_WEIGHT * (found.wall_seconds - self._pace)
            self._dispatch.done(first, found)
        elif kind == frames.BYE:
            return words(payload)
        elif first.session is not None and kind == frames.STARTED:
            first.session.begun(cell)
        elif first.session is not None and kind == frames.MESSAGE:
            first.session.message(payload)
        return None
