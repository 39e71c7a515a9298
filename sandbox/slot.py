"""One slot: a thread that keeps one cell busy and replaces it when anything is odd."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque

from sandbox.cell import Cell, execution, words
from sandbox.dispatch import Dispatch, Ticket
from sandbox.image.inside import frames
from sandbox.launch import LaunchFailed
from sandbox.nursery import Nursery
from sandbox.settings import SandboxSettings

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5


class Slot(threading.Thread):
    """Lives until its dispatch closes."""

    def __init__(self, number: int, settings: SandboxSettings, dispatch: Dispatch, nursery: Nursery) -> None:
        super().__init__(name=f"sandbox-slot-{number}", daemon=True)
        self._settings, self._dispatch, self._nursery = settings, dispatch, nursery
        self.up = threading.Event()

    def run(self) -> None:
        while not self._dispatch.closed:
            cell = self._patient_cell()
            if cell is not None:
                self.up.set()
                with contextlib.suppress(OSError):
                    self._serve(cell)
                self._nursery.discard(cell)

    def _patient_cell(self) -> Cell | None:
        """A cell, however long the engine is away; jobs that wait longer than the patience end as INFRA."""
        since = time.monotonic()
        while not self._dispatch.closed:
            try:
                return self._nursery.cell()
            except LaunchFailed as error:
                log.warning("no container: %s", error)
                if time.monotonic() - since > self._settings.patience_seconds and not self._nursery.watched():
                    self._dispatch.abandon(f"no container for {time.monotonic() - since:.0f} s: {error}")
                time.sleep(RETRY_SECONDS)
        return None

    def _serve(self, cell: Cell) -> None:
        """Until the cell has done its share, or ends."""
        flying: deque[Ticket] = deque()
        while not cell.gone or flying:
            if not self._refill(cell, flying):
                return
            if not flying:
                if cell.jobs >= self._settings.jobs_per_container:
                    return
                continue
            reason = self._next(cell, flying)
            if reason is not None:
                log.info("container %s is replaced: %s", cell.link.name, reason)
                self._dispatch.lost(list(flying), reason)
                return

    def _refill(self, cell: Cell, flying: deque[Ticket]) -> bool:
        """Hand out more jobs where there is room; False when the sandbox is closed."""
        room = min(self._settings.pipeline - len(flying), self._settings.jobs_per_container - cell.jobs)
        if room <= 0 or cell.gone or (flying and flying[-1].by_itself):
            return True
        taken = self._dispatch.take(room, busy=bool(flying))
        if taken is None:
            self._dispatch.lost(list(flying), "the sandbox is closed")
            return False
        for ticket in taken:
            if not flying:
                cell.expect(ticket.job)
            flying.append(ticket)
            with contextlib.suppress(OSError):  # reading tells the same, and then all in flight are lost together
                cell.send_job(ticket.job)
        return True

    def _next(self, cell: Cell, flying: deque[Ticket]) -> str | None:
        """Handle one frame; a reason when the cell cannot go on."""
        kind, payload = cell.next_frame()
        first = flying[0]
        if kind == frames.RESULT:
            flying.popleft()
            cell.deadline = None
            if flying:
                cell.expect(flying[0].job)
            self._dispatch.done(first, execution(payload))
        elif kind == frames.BYE:
            return words(payload)
        elif first.session is not None and kind == frames.STARTED:
            first.session.begun(cell)
        elif first.session is not None and kind == frames.MESSAGE:
            first.session.message(payload)
        return None
