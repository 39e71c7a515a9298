"""Decides which slot runs which job, and when: the queue of one lane, jobs that must run alone, and repetitions.

A timeout of a program that the machine made wait is not believed: the program runs once more while no other job runs. Such
jobs are collected, so that the others seldom have to pause.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sandbox.job import Execution, Job
from sandbox.status import Ending

if TYPE_CHECKING:
    from sandbox.pool.sessions import OpenSession

MAX_DEATHS = 3  # containers that may end under a job before it is to blame
LONELY_BATCH = 16
LONELY_SECONDS = 5.0
WAKE_SECONDS = 0.5
CLOSED = Execution(Ending.INFRA, detail="the sandbox is closed")
PIPELINE_BYTES = 1 << 20  # a job larger than this is not handed out ahead


@dataclass(eq=False)
class Ticket:
    """A job that is not finished: who waits for it, and what has happened to it."""

    job: Job
    future: Future[Execution]
    session: OpenSession | None = None
    deaths: int = 0
    first: Execution | None = None
    since: float = field(default_factory=time.monotonic)

    @property
    def by_itself(self) -> bool:
        """Return whether the job must be handed out alone."""
        size = len(self.job.stdin) + len(self.job.source) + len(self.job.requests)
        return self.session is not None or self.deaths > 0 or size > PIPELINE_BYTES


class Dispatch:
    """The queue of one lane. Slots `take` tickets and report them as `done` or `lost`. Thread-safe."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._changed = threading.Condition()
        self._queue: deque[Ticket] = deque()
        self._lonely: deque[Ticket] = deque()
        self._alone: Ticket | None = None
        self._running = 0  # sessions apart, which may last as long as they like
        self._taken = 0
        self._closed = False
        self.reruns = 0

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def unfinished(self) -> int:
        """Return how many jobs wait or are with a slot, sessions included."""
        with self._changed:
            return len(self._queue) + len(self._lonely) + self._taken

    def put(self, ticket: Ticket) -> None:
        """Queue a new job. After `close` it ends as INFRA at once."""
        with self._changed:
            if not self._closed:
                (self._lonely if ticket.job.alone else self._queue).append(ticket)
                self._changed.notify()
                return
        finish(ticket, CLOSED)

    def take(self, room: int, busy: bool) -> list[Ticket] | None:
        """Return up to `room` tickets. Without waiting jobs a busy slot gets none at once, an idle slot after a while; None when closed."""
        with self._changed:
            if not self._closed and not busy and not self._ready():
                self._changed.wait(WAKE_SECONDS)
            if self._closed:
                return None
            if self._alone is not None:
                return []
            if self._time_for_lonely():
                return self._take_lonely()
            return self._take_some(room, busy)

    def _ready(self) -> bool:
        return bool(self._queue or self._lonely) and self._alone is None

    def _time_for_lonely(self) -> bool:
        if not self._lonely:
            return False
        full = len(self._lonely) >= LONELY_BATCH or time.monotonic() - self._lonely[0].since > LONELY_SECONDS
        return full or not self._queue

    def _take_lonely(self) -> list[Ticket]:
        if self._running:
            self._changed.wait(WAKE_SECONDS / 10)
            return []
        self._alone = self._lonely.popleft()
        self._running += self._alone.session is None
        self._taken += 1
        return [self._alone]

    def _take_some(self, room: int, busy: bool) -> list[Ticket]:
        """Take a fair share of the waiting jobs, so that the last jobs spread over all slots."""
        taken: list[Ticket] = []
        room = min(room, max(1, len(self._queue) // self._slots)) if not busy or len(self._queue) > self._slots else 0
        while self._queue and len(taken) < room and not (self._queue[0].by_itself and (taken or busy)):
            taken.append(self._queue.popleft())
            if taken[-1].by_itself:
                break
        self._running += sum(ticket.session is None for ticket in taken)
        self._taken += len(taken)
        return taken

    def done(self, ticket: Ticket, found: Execution) -> None:
        """Note the result of a ticket; a timeout that is not believed is queued again."""
        again = found.ending in (Ending.TLE, Ending.IDLE) and found.contended and self._may_repeat(ticket)
        with self._changed:
            self._left(ticket)
            if again and not self._closed:
                ticket.first, ticket.since = found, time.monotonic()
                self.reruns += 1
                self._lonely.append(ticket)
                self._changed.notify_all()
                return
        finish(ticket, _fair(found) if ticket.first is None else replace(_fair(found), reruns=1))

    def _may_repeat(self, ticket: Ticket) -> bool:
        return ticket.first is None and ticket.session is None and not ticket.job.alone and not ticket.job.trusted

    def lost(self, tickets: list[Ticket], reason: str) -> None:
        """Handle tickets whose container ended: the first was running, the others had not begun."""
        if not tickets:
            return
        first = tickets[0]
        first.deaths += 1
        guilty = first.deaths >= MAX_DEATHS
        with self._changed:
            for ticket in tickets:
                self._left(ticket)
            closed = self._closed
            if not closed:
                over = first.session is not None or guilty
                self._put_back(tickets[1:] if over else tickets)
        if closed:
            for ticket in tickets:
                finish(ticket, CLOSED)
        elif first.session is not None:
            finish(first, Execution(Ending.INFRA, detail=reason, container_ended=True))
        elif guilty:
            finish(first, Execution(Ending.HOSTILE, detail=f"ended {MAX_DEATHS} containers, the last: {reason}"))

    def _put_back(self, tickets: list[Ticket]) -> None:
        """Queue these before all others; the lock is held."""
        for ticket in reversed(tickets):
            (self._lonely if ticket.first is not None or ticket.job.alone else self._queue).appendleft(ticket)
        self._changed.notify_all()

    def _left(self, ticket: Ticket) -> None:
        """Note that `ticket` does not run any more; the lock is held."""
        self._running -= ticket.session is None
        self._taken -= 1
        if self._alone is ticket:
            self._alone = None
        if self._lonely or self._closed:
            self._changed.notify_all()

    def abandon(self, reason: str) -> None:
        """End every waiting job as INFRA."""
        with self._changed:
            waiting = [*self._queue, *self._lonely]
            self._queue.clear()
            self._lonely.clear()
        for ticket in waiting:
            finish(ticket, Execution(Ending.INFRA, detail=reason))

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.abandon(CLOSED.detail)


def _fair(found: Execution) -> Execution:
    """Turn IDLE into INFRA when the program was always ready to run but hardly got a core: that says nothing about the program."""
    if found.ending == Ending.IDLE and found.contended:
        return replace(found, ending=Ending.INFRA, detail=f"starved by the machine: {found.detail}")
    return found


def finish(ticket: Ticket, found: Execution) -> None:
    """Tell the waiting caller."""
    if ticket.session is not None:
        ticket.session.ended(found)
    if not ticket.future.done():
        ticket.future.set_result(found)
