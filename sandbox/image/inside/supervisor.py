"""PID 1 of a container: reads jobs from stdin, has the zygote fork a child for each, writes results to stdout.

It never runs a program's code and shares no uid with one. One job runs at a time; what is read ahead waits. When its
owner falls silent (end of file, or no bytes for `silence_seconds`) it ends, and with PID 1 everything in the container.
Anything odd (a process that will not die, a file that will not go, a dead zygote) ends it too: the host has spares.

Started as `python -m inside.supervisor OPTIONS`, JSON: `uid_first`, `uid_count` (0: children keep this uid),
`tmp`, `silence_seconds`, `trusted` (what it runs are tests).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections import deque
from typing import Any

from . import frames
from .conversation import Conversation
from .running import Run
from .workshop import Odd, Workshop

READ_BYTES = 1 << 20
HOLD_SECONDS = 0.01  # results of short jobs are sent together: each write costs the engine more than it costs us
HOLD_BYTES = 1 << 18


class Supervisor:
    """The event loop: the owner's frames, the zygote's answers, the child's stderr and channel, and time."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._silence = options["silence_seconds"]
        self._workshop = Workshop(options)
        self._reader = frames.FrameReader()
        self._waiting: deque[bytes] = deque()
        self._run: Run | None = None
        self._heard = time.monotonic()
        self._held, self._held_bytes, self._held_until = list[bytes](), 0, 0.0
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN)

    def serve(self) -> None:
        """Until the owner is gone; Odd and every other exception end the container as well."""
        write(frames.packed(frames.HELLO, self._workshop.describe()))
        while True:
            self._start_next()
            self._flush_if_due()
            ready = {fd for fd, _ in self._poll.poll(self._timeout_ms())}
            if self._run is not None:
                self._attend(self._run, ready)
            if 0 in ready and not self._read_owner():
                return
            if time.monotonic() - self._heard > self._silence:
                return

    def _timeout_ms(self) -> int:
        due = self._heard + self._silence
        if self._run is not None:
            due = min(due, self._run.next_check())
        if self._held:
            due = min(due, self._held_until)
        return max(1, int((due - time.monotonic()) * 1000) + 1)

    def _read_owner(self) -> bool:
        data = os.read(0, READ_BYTES)
        self._heard = time.monotonic()
        for kind, payload in self._reader.feed(data):
            if kind == frames.QUIT:
                return False
            self._take(kind, payload)
        return bool(data)

    def _take(self, kind: bytes, payload: bytes) -> None:
        if kind == frames.JOB:
            self._waiting.append(payload)
        elif self._run is not None and kind == frames.KILL:
            self._run.kill("RE", "ended by its owner")
        elif self._run is not None and self._run.talk is not None:
            self._say(self._run.talk, kind, payload)

    def _say(self, talk: Conversation, kind: bytes, payload: bytes) -> None:
        if kind == frames.MESSAGE:
            talk.to_child(payload)
        elif kind == frames.BATCH:
            talk.batch_to_child(payload)
        elif kind == frames.FINISH:
            talk.finish()

    def _start_next(self) -> None:
        if self._run is not None or not self._waiting:
            return
        header, blobs = frames.unpacked(self._waiting.popleft())
        self._run = Run(self._workshop, self._poll, header, blobs)
        if self._run.talk is not None and self._run.talk.has_owner:
            self._tell_now(frames.frame(frames.STARTED, str(header["id"]).encode()))

    def _attend(self, run: Run, ready: set[int]) -> None:
        for message in run.progress(ready):
            tell = self._tell_soon if run.talk is not None and run.talk.holds_messages else self._tell_now
            tell(frames.frame(frames.MESSAGE, message))
        if not run.ended:
            return
        self._run = None
        result, odd = run.result()
        if odd is not None:
            self._tell_now(result)
            raise odd
        self._tell_soon(result)

    def _tell_now(self, data: bytes) -> None:
        write(b"".join((*self._held, data)))
        self._held, self._held_bytes = [], 0

    def _tell_soon(self, data: bytes) -> None:
        if not self._held:
            self._held_until = time.monotonic() + HOLD_SECONDS
        self._held.append(data)
        self._held_bytes += len(data)

    def _flush_if_due(self) -> None:
        """At once when there is nothing else to do."""
        idle = self._run is None and not self._waiting
        if self._held and (idle or self._held_bytes > HOLD_BYTES or time.monotonic() >= self._held_until):
            self._tell_now(b"")


def write(data: bytes) -> None:
    """All of it to the owner."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def close_terminals() -> None:
    """Reading the terminal multiplexer waits for ever: a program that reads all files that it finds would stand still."""
    if os.getpid() == 1:
        with contextlib.suppress(OSError):
            os.chmod("/dev/pts/ptmx", 0)


def offer_shared_memory(folder: str) -> None:
    """Semaphores of process pools are files in /dev/shm; there they lie in the one folder that is emptied after each job."""
    if os.getpid() == 1 and not os.path.lexists("/dev/shm"):
        with contextlib.suppress(OSError):
            os.symlink(folder, "/dev/shm")


def main() -> None:
    options = json.loads(sys.argv[1])
    close_terminals()
    offer_shared_memory(options["tmp"])
    os.environ.clear()  # before the zygote is forked: children get this one
    os.environ.update(PATH="/usr/local/bin:/usr/bin:/bin", HOME=options["tmp"], LANG="C.UTF-8")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Supervisor(options).serve()
    except Odd as reason:
        write(frames.frame(frames.BYE, str(reason).encode()))
    os._exit(0)


if __name__ == "__main__":
    main()
