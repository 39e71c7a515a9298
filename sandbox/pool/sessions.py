"""A conversation with one running child; it has a slot to itself until it is closed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from sandbox.image.inside import frames
from sandbox.image.inside.values import piece
from sandbox.job import Execution
from sandbox.pool.cell import Cell


class OpenSession:
    """The slot's thread calls `begun`, `message` and `ended`; one user thread calls the rest."""

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[bytes | Execution] = queue.SimpleQueue()
        self._begun = threading.Event()
        self._cell: Cell | None = None
        self._end: Execution | None = None

    # ------------------------------------------------------------ the slot's side

    def begun(self, cell: Cell) -> None:
        """Note that the child runs."""
        self._cell = cell
        self._begun.set()

    def message(self, payload: bytes) -> None:
        self._inbox.put(payload)

    def ended(self, found: Execution) -> None:
        """Note that the child has ended, or never began."""
        self._inbox.put(found)
        self._cell = None
        self._begun.set()

    # ------------------------------------------------------------ the user's side

    def wait_until_begun(self) -> None:
        self._begun.wait()

    def send(self, message: bytes) -> None:
        """Send one frame to the child. A child that has ended is not an error here, because `receive` reports it."""
        self._tell(frames.frame(frames.MESSAGE, message))

    def send_in_turn(self, messages: Iterable[bytes]) -> None:
        """Send several frames, each of which the child gets when it has answered the one before. It must have answered all until now."""
        self._tell(frames.frame(frames.BATCH, b"".join(map(piece, messages))))

    def _tell(self, data: bytes) -> None:
        cell = self._cell
        if cell is None:
            return
        try:
            cell.send(data)
        except OSError:
            return  # the slot's thread sees the same end, and says how

    def receive(self, timeout: float | None = None) -> bytes | Execution:
        """Return the child's next frame, or how it ended; TimeoutError after `timeout` seconds without either."""
        if self._end is not None:
            return self._end
        try:
            found = self._inbox.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"nothing came within {timeout} s") from None
        if isinstance(found, Execution):
            self._end = found
        return found

    def close(self) -> Execution:
        """Send no more frames to the child and wait for its end, as long as its limits allow."""
        self._tell(frames.frame(frames.FINISH))
        return self._drain()

    def kill(self) -> Execution:
        """End the child now."""
        self._tell(frames.frame(frames.KILL))
        return self._drain()

    def _drain(self) -> Execution:
        while self._end is None:
            self.receive()
        return self._end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill() if error is not None else self.close()
