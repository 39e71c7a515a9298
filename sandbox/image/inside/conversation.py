"""What a running child and its owner say to each other: frames both ways, of which nothing piles up with either.

A child may send one frame of its own accord, and one for each that it was sent. Where the job brought its `requests` there is no owner:
the child gets one when it has answered the one before, and what it answered is `kept` for the result.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from . import frames, values

SESSION_BYTES = 1 << 26  # what a child may send to its owner in all
READ_BYTES = 1 << 16  # at once: a larger buffer would be mapped anew for each


class Conversation:
    """`ours` is our end of the child's channel; `kill` ends the child with a cause and a detail."""

    def __init__(
        self,
        ours: socket.socket,
        poll: select.poll,
        kill: Callable[[str, str], None],
        output_bytes: int,
        requests: Sequence[bytes],
    ) -> None:
        ours.setblocking(False)
        self._channel: socket.socket | None = ours
        self._poll, self._kill, self._output_bytes = poll, kill, output_bytes
        self.has_owner = not requests
        self._batch = deque(piece for request in requests for piece in values.pieces(request))
        self._sent = self._asked = self._answered = 0
        self._to_child, self._from_child = bytearray(), bytearray()
        self._finishing = False
        self.over = False  # the child is being ended: what it says does not count any more
        self.kept = bytearray()
        self.owner_took = 0.0  # seconds in which the child had answered and waited for the next message
        self.owner_since: float | None = None

    @property
    def fd(self) -> int:
        """Of our end; -1 when the child has closed its own."""
        return -1 if self._channel is None else self._channel.fileno()

    @property
    def holds_messages(self) -> bool:
        """Whether the child will get more without its owner."""
        return bool(self._batch)

    def to_child(self, message: bytes) -> None:
        """One frame for the child, sent as it reads. The time until it came was the owner's."""
        self._asked += 1
        if self.owner_since is not None and self._answered <= self._asked:
            self.owner_took += time.monotonic() - self.owner_since
            self.owner_since = None
        self._to_child += len(message).to_bytes(4, "big") + message
        self.write()

    def batch_to_child(self, messages: bytes) -> None:
        """Several frames. The child gets one when it has answered the one before: it cannot know what comes."""
        self._batch.extend(values.pieces(messages))
        self._next_of_batch()

    def finish(self) -> None:
        """No more frames come: the child's `receive` gives None after what is under way."""
        self._finishing = True
        self.write()

    def write(self) -> None:
        """Send as much as the child takes now."""
        if self._channel is None:
            return
        try:
            while self._to_child:
                del self._to_child[: self._channel.send(self._to_child[: 1 << 20])]
            if self._finishing:
                self._channel.shutdown(socket.SHUT_WR)
                self._finishing = False
        except BlockingIOError:
            pass
        except OSError:
            self._to_child.clear()  # the child has closed its end
        self._poll.modify(self._channel.fileno(), select.POLLIN | (select.POLLOUT if self._to_child else 0))

    def read(self, to_its_end: bool) -> Iterator[bytes]:
        """Messages for the owner. One read a turn while it runs: a flooding child must not keep us from the clock."""
        while self._channel is not None:
            try:
                data = self._channel.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self._from_child += data
            yield from self._whole_messages()
            if not to_its_end:
                return

    def _whole_messages(self) -> Iterator[bytes]:
        while len(self._from_child) >= 4 and not self.over:
            size = int.from_bytes(self._from_child[:4], "big")
            self._sent += 0 if len(self._from_child) < 4 + size else size
            if self._answered > self._asked:
                self._kill("HOSTILE", "messages that nobody asked for")
            elif size > frames.MESSAGE_CAP:
                self._kill("HOSTILE", f"a message of {size} bytes, the cap is {frames.MESSAGE_CAP}")
            elif self._sent > SESSION_BYTES:
                self._kill("OLE", f"more than {SESSION_BYTES} bytes of messages")
            elif len(self._from_child) < 4 + size:
                return
            else:
                self._answered += 1
                if self._answered > self._asked:
                    self.owner_since = time.monotonic()
                message = bytes(self._from_child[: 4 + size])
                del self._from_child[: 4 + size]
                if self.has_owner:
                    yield message[4:]
                else:
                    self._keep(message)
                self._next_of_batch()

    def _keep(self, message: bytes) -> None:
        """A message with its length before it; no more of them than a job may put out."""
        self.kept += message
        if len(self.kept) > self._output_bytes:
            self._kill("OLE", f"more than {self._output_bytes} bytes of output")

    def _next_of_batch(self) -> None:
        if self._answered <= self._asked:
            return
        if self._batch:
            self.to_child(self._batch.popleft())
        elif not self.has_owner:
            self.owner_since = None
            self.finish()

    def close(self) -> None:
        """Nothing more is read or sent."""
        if self._channel is not None:
            self._poll.unregister(self._channel.fileno())
            self._channel.close()
            self._channel = None
