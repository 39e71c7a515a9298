"""The child's end of a session: frames of four bytes of length and a payload, both ways."""

from __future__ import annotations

import builtins
from os import read, write

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
LENGTH_BYTES = 4


class Channel:
    """Blocking; `receive` gives None when the host has finished."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def receive(self) -> bytes | None:
        """The next frame from the host."""
        head = self._exactly(LENGTH_BYTES)
        return None if head is None else self._exactly(int.from_bytes(head, "big"))

    def send(self, payload: bytes) -> None:
        """One frame to the host; frames above `frames.MESSAGE_CAP` bytes end this process."""
        view = memoryview(len(payload).to_bytes(LENGTH_BYTES, "big") + payload)
        while view:
            view = view[write(self._fd, view) :]

    def _exactly(self, size: int) -> bytes | None:
        data = bytearray()
        while len(data) < size:
            part = read(self._fd, min(size - len(data), 1 << 20))
            if not part:
                return None
            data += part
        return bytes(data)
