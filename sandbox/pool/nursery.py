"""Keeps warm cells of one kind on one host: one more than is used, so that a replacement is ready at once."""

from __future__ import annotations

import contextlib
import logging
import threading

from sandbox.hosts.launch import Launcher, LaunchFailed
from sandbox.pool.cell import Cell

log = logging.getLogger(__name__)


class Nursery:
    """The cells of one kind on one host. Thread-safe."""

    def __init__(self, launcher: Launcher, trusted: bool) -> None:
        self._launcher, self._trusted = launcher, trusted
        self._lock = threading.Lock()
        self._spare: Cell | None = None
        self._growing: threading.Thread | None = None
        self._closed = False
        self.cells: set[Cell] = set()
        self.launched = 0

    def cell(self) -> Cell:
        """Return the spare or a fresh cell, and start a new spare; LaunchFailed when no cell can be had now."""
        with self._lock:
            taken, self._spare = self._spare, None
        if taken is not None and taken.gone:
            self.discard(taken)
            taken = None
        if taken is None:
            taken = self._launch()
        self._begin_spare()
        return taken

    def _launch(self) -> Cell:
        cell = Cell(self._launcher.launch(self._trusted))
        with self._lock:
            self.launched += 1
            self.cells.add(cell)
            late = self._closed
        if late:
            self.discard(cell)
            raise LaunchFailed("the sandbox is closed")
        return cell

    def _begin_spare(self) -> None:
        with self._lock:
            if self._growing is None and self._spare is None and not self._closed:
                self._growing = threading.Thread(target=self._grow, name="sandbox-spare", daemon=True)
                self._growing.start()

    def _grow(self) -> None:
        made: Cell | None = None
        with contextlib.suppress(LaunchFailed):
            made = self._launch()
        with self._lock:
            self._spare, self._growing = made, None

    def discard(self, cell: Cell) -> None:
        """Remove a cell that is not used any more."""
        with self._lock:
            self.cells.discard(cell)
        cell.kill()

    def watched(self) -> list[Cell]:
        """Return all live cells, for the heartbeat."""
        with self._lock:
            return list(self.cells)

    def close(self) -> None:
        """End all cells; no cell is started afterwards."""
        with self._lock:
            self._closed = True
            growing = self._growing
        if growing is not None:
            growing.join()
        for cell in self.watched():
            self.discard(cell)
