"""Keeps warm cells of one kind on one host: those that are used first start together, then one more than is used, so that a
replacement is ready at once."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from sandbox.hosts.launch import Launcher, LaunchFailed
from sandbox.pool.cell import Cell

log = logging.getLogger(__name__)

FIRST_SPARE_SECONDS = 5.0  # after the first cell: what a container costs is needed for those that are used at once


class Nursery:
    """The cells of one kind on one host. Thread-safe."""

    def __init__(self, launcher: Launcher, trusted: bool) -> None:
        self._launcher, self._trusted = launcher, trusted
        self._lock = threading.Lock()
        self._begun: deque[Future[Cell]] = deque()  # the first cells, which may still be starting
        self._starting: list[threading.Thread] = []
        self._spare: Cell | None = None
        self._growing: threading.Thread | None = None
        self._closed = threading.Event()
        self.cells: set[Cell] = set()
        self.launched = 0
        self._grown = False  # whether a spare has been started

    def begin(self, count: int) -> None:
        """Start so many cells at once; `cell` hands them out as they come up."""
        with self._lock:
            for _ in range(0 if self._closed.is_set() else count):
                begun: Future[Cell] = Future()
                thread = threading.Thread(target=self._start, args=(begun,), name="sandbox-start", daemon=True)
                thread.start()  # RuntimeError where no thread can be had: then nobody waits for it either
                self._begun.append(begun)
                self._starting.append(thread)

    def _start(self, begun: Future[Cell]) -> None:
        try:
            begun.set_result(self._launch())
        except BaseException as error:  # noqa: BLE001 - whoever takes the cell gets it
            begun.set_exception(error)

    def cell(self) -> Cell:
        """Return a cell that was begun, the spare or a fresh one, and start a new spare; LaunchFailed when no cell can be had now."""
        taken = self._ready() or self._launch()
        self._begin_spare()
        return taken

    def _ready(self) -> Cell | None:
        """Return the first sound cell of those begun, once it is up, or the spare. One that failed says nothing about the next."""
        while (ready := self._next_ready()) is not None:
            with contextlib.suppress(LaunchFailed):
                cell = ready.result()
                if not cell.gone:
                    return cell
                self.discard(cell)
        return None

    def _next_ready(self) -> Future[Cell] | None:
        with self._lock:
            if self._begun:
                return self._begun.popleft()
            spare, self._spare = self._spare, None
        return None if spare is None else _known(spare)

    def _launch(self) -> Cell:
        if self._closed.is_set():
            raise LaunchFailed("the sandbox is closed")
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
            if self._growing is None and self._spare is None and not self._begun and not self._closed.is_set():
                thread = threading.Thread(target=self._grow, name="sandbox-spare", daemon=True)
                thread.start()
                self._growing = thread

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

    def give_back(self, cell: Cell) -> None:
        """Hand a sound cell out before all others."""
        with self._lock:
            self._begun.appendleft(_known(cell))

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
            threads = [*self._starting, *([] if self._growing is None else [self._growing])]
        for thread in threads:
            thread.join()
        cells = self.watched()
        with ThreadPoolExecutor(max(1, len(cells)), "sandbox-end") as ending:
            list(ending.map(self.discard, cells))


def _known(cell: Cell) -> Future[Cell]:
    known: Future[Cell] = Future()
    known.set_result(cell)
    return known
