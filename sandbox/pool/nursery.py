"""Keeps warm cells of one kind on one host: one more than is used, so that a replacement is ready at once."""

from __future__ import annotations

import contextlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from sandbox.hosts.launch import Launcher, LaunchFailed
from sandbox.pool.cell import Cell

log = logging.getLogger(__name__)

FIRST_SPARE_SECONDS = 5.0  # after the first cell: what a container costs is needed for those that are used at once


class Nursery:
    """The cells of one kind on one host. Thread-safe."""

    def __init__(self, launcher: Launcher, trusted: bool) -> None:
        self._launcher, self._trusted = launcher, trusted
        self._lock = threading.Lock()
        self._spare: Cell | None = None
        self._growing: threading.Thread | None = None
        self._closed = threading.Event()
        self.cells: set[Cell] = set()
        self.launched = 0
        self._grown = False  # whether a spare has been started

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
            late = self._closed.is_set()
        if late:
            self.discard(cell)
            raise LaunchFailed("the sandbox is closed")
        return cell

    def _begin_spare(self) -> None:
        with self._lock:
            if self._growing is None and self._spare is None and not self._closed.is_set():
                self._growing = threading.Thread(target=self._grow, name="sandbox-spare", daemon=True)
                self._growing.start()

    def _grow(self) -> None:
        if not self._grown:
            self._closed.wait(FIRST_SPARE_SECONDS)
        with self._lock:
            self._grown, wanted = True, self._spare is None and not self._closed.is_set()
        made: Cell | None = None
        with contextlib.suppress(LaunchFailed):
            made = self._launch() if wanted else None
        with self._lock:
            self._growing = None
        if made is not None:
            self.keep(made)

    def keep(self, cell: Cell) -> None:
        """Take a sound cell as the spare, or discard it where there is one."""
        with self._lock:
            kept = self._spare is None and not self._closed.is_set()
            self._spare = cell if kept else self._spare
        if not kept:
            self.discard(cell)

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
            self._closed.set()
            growing = self._growing
        if growing is not None:
            growing.join()
        cells = self.watched()
        with ThreadPoolExecutor(max(1, len(cells)), "sandbox-end") as threads:
            list(threads.map(self.discard, cells))
