"""Sends heartbeats to every cell, and ends cells whose result is overdue."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

from sandbox.hosts.launch import HEARTBEAT_SECONDS
from sandbox.pool.cell import Cell

log = logging.getLogger(__name__)


class Keeper:
    """A thread that runs until `close`; it asks `cells` each time which cells there are. A context manager."""

    def __init__(self, cells: Callable[[], Iterable[Cell]]) -> None:
        self._cells = cells
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="sandbox-keeper", daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while not self._closed.wait(HEARTBEAT_SECONDS):
            now = time.monotonic()
            for cell in self._cells():
                if cell.deadline is not None and now > cell.deadline:
                    log.warning("container %s gave no result in time", cell.link.name)
                    cell.kill()
                else:
                    cell.ping()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
