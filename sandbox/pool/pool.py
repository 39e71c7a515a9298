"""A pool of warm containers that run hostile programs; `open_sandbox(settings)` is the only way to open one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from sandbox.hosts.launch import Launcher, LaunchFailed
from sandbox.job import Execution, Job
from sandbox.pool.cell import Cell
from sandbox.pool.dispatch import Dispatch, Ticket
from sandbox.pool.heartbeat import Keeper
from sandbox.pool.nursery import Nursery
from sandbox.pool.sessions import OpenSession as Session
from sandbox.pool.slot import Slot
from sandbox.selftest import examine as selftest
from sandbox.settings import SandboxSettings
from sandbox.status import Ending
from tasks.domain.errors import UserError

__all__ = ["Sandbox", "Session", "open_sandbox"]

log = logging.getLogger(__name__)

SOURCE_BYTES = 1 << 25
STDIN_BYTES = 1 << 27
PATIENCE_SECONDS = 0.5  # of tests that wait for another container
PROCESS_WARNING = (
    "the `process` backend isolates nothing: programs of the model run with the rights of this user. "
    "Use it only for programs that you trust."
)


class Lane:
    """Slots of one kind. Those of candidates start together with the first job; of trusted testers, which few data sets need, one starts
    then, and as many as there are jobs at once when that has lasted for longer than a container takes to start."""

    def __init__(self, settings: SandboxSettings, launchers: list[Launcher], slots: int, trusted: bool) -> None:
        self.dispatch = Dispatch(slots)
        self.nurseries = [Nursery(launcher, trusted) for launcher in launchers]
        self._slots = [
            Slot(number, settings, self.dispatch, self.nurseries[number % len(launchers)]) for number in range(slots)
        ]
        self._together = not trusted
        self._lock = threading.Lock()
        self._started = 0
        self._later: threading.Timer | None = None

    def start(self) -> None:
        """Start the slots that the jobs which wait or run now call for."""
        with self._lock:
            if self.dispatch.closed or self._started == len(self._slots):
                return
            if self._together or self._started == 0:
                self._start(len(self._slots) if self._together else 1)
            elif self._later is None and self.dispatch.unfinished > self._started:
                self._later = threading.Timer(PATIENCE_SECONDS, self._start_more)
                self._later.daemon = True
                self._later.start()

    def _start(self, until: int) -> None:
        for slot in self._slots[self._started : until]:
            slot.start()
            self._started += 1

    def _start_more(self) -> None:
        with self._lock:
            self._later = None
            if not self.dispatch.closed:
                self._start(self.dispatch.unfinished)

    def close(self) -> None:
        self.dispatch.close()
        with self._lock:
            if self._later is not None:
                self._later.cancel()
        for nursery in self.nurseries:
            nursery.close()
        with self._lock:
            started = self._slots[: self._started]
        for slot in started:
            slot.join()
        for nursery in self.nurseries:
            nursery.close()


class Sandbox:
    """A pool of containers on all hosts. Thread-safe; a context manager."""

    def __init__(self, settings: SandboxSettings, launchers: list[Launcher]) -> None:
        self._settings, self._launchers = settings, launchers
        self.slots = settings.slots or sum(launcher.cores() for launcher in launchers)
        self._candidates = Lane(settings, launchers, self.slots, trusted=False)
        self._testers = Lane(settings, launchers, self.slots, trusted=True)
        self._keeper = Keeper(self._cells)

    def require_that_it_holds(self) -> None:
        """Run the start-up self-test on every host; UserError when a probe escapes or no container starts."""
        if self._settings.backend == "process":
            return
        for number, nursery in enumerate(self._candidates.nurseries):
            nursery.begin(len(range(number, self.slots, len(self._launchers))))
        for launcher, nursery in zip(self._launchers, self._candidates.nurseries, strict=True):
            try:
                cell = nursery.cell()
            except LaunchFailed as error:
                raise UserError(f"no sandbox container starts: {error}") from error
            try:
                selftest.require(launcher, cell, self._settings)
            except BaseException:
                nursery.discard(cell)
                raise
            nursery.give_back(cell)
        self._candidates.start()

    @property
    def reruns(self) -> int:
        """Return how many timeouts have been run once more alone."""
        return self._candidates.dispatch.reruns

    @property
    def containers(self) -> int:
        """Return how many containers have been started."""
        return sum(nursery.launched for lane in (self._candidates, self._testers) for nursery in lane.nurseries)

    def submit(self, job: Job) -> Future[Execution]:
        """Queue a job. The future never fails because of the program; the job ends as INFRA when no container could be had."""
        if job.mode not in ("stdin", "calls", "turns"):
            raise ValueError(f"mode {job.mode!r} has a channel: use session()")
        return self._put(Ticket(job, Future()))

    def run_many(self, jobs: Iterable[Job]) -> list[Execution]:
        """Run the jobs and return their executions in the order of `jobs`."""
        return [future.result() for future in [self.submit(job) for job in jobs]]

    def session(self, job: Job) -> Session:
        """Start a job of a mode with a channel; blocks until a slot is free. Take a tester's before a candidate's."""
        session = Session()
        self._put(Ticket(job, Future(), session))
        session.wait_until_begun()
        return session

    def _put(self, ticket: Ticket) -> Future[Execution]:
        job = ticket.job
        self._check(job)
        lane = self._testers if job.trusted else self._candidates
        if len(job.source) > SOURCE_BYTES:
            refused = Execution(Ending.CE, detail=f"{len(job.source)} bytes of source, the limit is {SOURCE_BYTES}")
            ticket.future.set_result(refused)
            if ticket.session is not None:
                ticket.session.ended(refused)
        else:
            lane.dispatch.put(ticket)
            lane.start()
        return ticket.future

    def _check(self, job: Job) -> None:
        if job.limits.memory_mb > self._settings.container_memory_mb:
            raise UserError(
                f"a program may use {job.limits.memory_mb} MB but its container has {self._settings.container_memory_mb}: "
                "raise container_memory_mb or lower memory_mb"
            )
        if len(job.stdin) + len(job.requests) > STDIN_BYTES:
            raise UserError(
                f"{len(job.stdin) + len(job.requests)} bytes of stdin, at most {STDIN_BYTES} can be given to a program"
            )

    def _cells(self) -> list[Cell]:
        nurseries = [nursery for lane in (self._candidates, self._testers) for nursery in lane.nurseries]
        return [cell for nursery in nurseries for cell in nursery.watched()]

    def leave(self) -> None:
        """Close at the end of this process: containers end without it, and are not waited for."""
        for launcher in self._launchers:
            launcher.leave()
        self.close()

    def close(self) -> None:
        """End every container; jobs that wait or run end as INFRA."""
        with ThreadPoolExecutor(2, "sandbox-lanes") as ending:  # the engine takes as long for all containers as for one
            list(ending.map(Lane.close, (self._candidates, self._testers)))
        self._keeper.close()
        for launcher in self._launchers:
            launcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_sandbox(settings: SandboxSettings) -> Sandbox:
    """Open a sandbox whose containers run and are tested. UserError: no engine, no image, or a successful escape."""
    launchers = _launchers(settings)
    sandbox = Sandbox(settings, launchers)
    try:
        sandbox.require_that_it_holds()
    except BaseException:
        sandbox.close()
        raise
    return sandbox


def _launchers(settings: SandboxSettings) -> list[Launcher]:
    if settings.backend == "process":
        if not settings.unsafe:
            raise UserError(
                "the `process` backend isolates nothing: set unsafe = true to run programs without a sandbox"
            )
        log.warning(PROCESS_WARNING)
        from sandbox.hosts.process_launcher import ProcessLauncher

        return [ProcessLauncher(settings)]
    from sandbox.hosts.docker_launcher import DockerLauncher

    return [DockerLauncher(host, settings) for host in settings.hosts]
