"""A pool of killable grading processes.

    run_many ──batches──▶ queue ──▶ slot thread 1 ──pipe──▶ worker process 1
                                └─▶ slot thread 2 ──pipe──▶ worker process 2 ...

Each slot thread owns one worker: it starts it, times it from outside, kills it, and starts the next one, so the pool
keeps its size whatever the payloads do. The kernel kills a worker when its slot thread ends (PR_SET_PDEATHSIG goes by
thread), so no worker outlives this process, not even one that is stuck in a long C operation after a `kill -9` here.
A payload that ends its worker twice, the second time alone on a fresh one, is a failure: `wrong` with `grader_limit` for an answer.
"""

from __future__ import annotations

import math
import os
import queue
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from tasks.domain.errors import GraderUnavailable
from tasks.domain.rewards.base import Check, Decision
from tasks.domain.settings import VerifySettings
from tasks.graders.child import ONE_THREAD, START_TIMEOUT_S, Answer, Failure, Program, Worker

DECIDE = "tasks.domain.equivalence.decide:decide"
BATCH = 64  # payloads in one message: about 10 us of overhead each
BATCHES_PER_WORKER = 4  # of one call, so that a slow payload does not hold up a quarter of the work
START_ATTEMPTS = 3
Outcome = Answer | Failure


@dataclass(frozen=True)
class _Job:
    payloads: Sequence[Any]
    done: Future[list[Outcome]]
    meet: threading.Barrier | None = None  # set: only bring the worker up, together with all other slots


class _Slot(threading.Thread):
    """Owns one worker for as long as the pool lives."""

    def __init__(self, pool: WorkerPool, jobs: queue.SimpleQueue[_Job | None]) -> None:
        super().__init__(name="grading-slot", daemon=True)
        self._pool, self._jobs = pool, jobs
        self.worker: Worker | None = None

    def run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.done.set_result(self._do(job))
            except BaseException as error:  # noqa: BLE001  boundary: a slot must survive, the caller gets the error
                job.done.set_exception(error)
        self._drop_worker()

    def _do(self, job: _Job) -> list[Outcome]:
        if job.meet is not None:
            self._ready_worker()
            job.meet.wait(START_TIMEOUT_S)
        return self._decide(job.payloads)

    def _decide(self, payloads: Sequence[Any]) -> list[Outcome]:
        if not payloads:
            return []
        reply = self._exchange(payloads)
        if isinstance(reply, list):
            return [*reply]
        alone = self._decide_alone(payloads[reply.at], reply)
        return [*self._decide(payloads[: reply.at]), alone, *self._decide(payloads[reply.at + 1 :])]

    def _decide_alone(self, payload: Any, first: Failure) -> Outcome:
        again = self._exchange([payload])
        return again[0] if isinstance(again, list) else replace(again, seconds=first.seconds + again.seconds)

    def _exchange(self, payloads: Sequence[Any]) -> list[Answer] | Failure:
        reply = self._ready_worker().exchange(payloads, self._pool.attempt_s)
        if isinstance(reply, Failure):
            self.worker = None
            return reply
        if reply["tired"]:
            self._drop_worker()
        return [Answer(value, seconds) for value, seconds in reply["answers"]]

    def _ready_worker(self) -> Worker:
        if self.worker is not None and not self.worker.alive():
            self._drop_worker()
        for attempt in range(START_ATTEMPTS):
            if self.worker is not None:
                return self.worker
            try:
                worker = Worker(self._pool.program)
                worker.wait_ready()
                self.worker = worker
            except (OSError, GraderUnavailable) as error:
                if attempt == START_ATTEMPTS - 1:
                    raise GraderUnavailable(f"no grading worker could be started: {error}") from error
        raise AssertionError("unreachable")

    def _drop_worker(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker = None


class WorkerPool:
    """Runs `function` (`package.module:name`, JSON-like payload -> JSON-like value) in `workers` processes.

    `timeout_s` is the wall-clock limit of one payload, both attempts together; `memory_mb` limits a worker's address
    space; `arguments` and `environment` are those of `Program`.
    Threads and processes start with the first call, and again after a fork.
    """

    def __init__(
        self,
        function: str,
        workers: int = 0,
        timeout_s: float = 5.0,
        memory_mb: int = 2048,
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] = ONE_THREAD,
    ) -> None:
        self.program = Program(function, memory_mb, arguments, environment)
        self.size = workers or min(8, os.cpu_count() or 1)
        self.attempt_s = timeout_s / 2
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._slots: list[_Slot] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()

    def run_many(self, checks: Sequence[Check]) -> list[Decision]:
        """Return one decision per check, in order; checks that are decided already pass through.

        The function returns (label, evidence).
        """
        undecided = [check.payload for check in checks if check.decided is None]
        found = iter(self.outcomes(undecided))
        return [check.decided or _decision(next(found)) for check in checks]

    def outcomes(self, payloads: Sequence[Any]) -> list[Outcome]:
        """Return for each payload, in order, what the function returned, or how it ended its worker twice."""
        if not payloads:
            return []
        size = min(BATCH, math.ceil(len(payloads) / (BATCHES_PER_WORKER * self.size)))
        with self._lock:
            self._start()
            jobs = [_Job(payloads[at : at + size], Future()) for at in range(0, len(payloads), size)]
            for job in jobs:
                self._jobs.put(job)
        return [outcome for job in jobs for outcome in job.done.result()]

    def warm(self) -> None:
        """Start all workers now (they start with their first batch otherwise)."""
        with self._lock:
            self._start()
            meet = threading.Barrier(self.size)
            jobs = [_Job([], Future(), meet) for _ in range(self.size)]
            for job in jobs:
                self._jobs.put(job)
        for job in jobs:
            job.done.result()

    def worker_pids(self) -> list[int]:
        """Processes that run now; slots start theirs at their first batch."""
        workers = [slot.worker for slot in self._slots]
        return [worker.process.pid for worker in workers if worker is not None and worker.alive()]

    def slots_alive(self) -> int:
        """Return how many slots take work: the pool's real size."""
        return sum(slot.is_alive() for slot in self._slots)

    def close(self) -> None:
        """Finish what is queued, then end all workers."""
        with self._lock:
            slots, self._slots, self._pid = self._slots, [], None
            for _ in slots:
                self._jobs.put(None)
        for slot in slots:
            slot.join()

    def _start(self) -> None:
        if self._pid == os.getpid():
            return
        self._pid, self._jobs = os.getpid(), queue.SimpleQueue()
        self._slots = [_Slot(self, self._jobs) for _ in range(self.size)]
        for slot in self._slots:
            slot.start()


def _decision(outcome: Outcome) -> Decision:
    """Return the decision of an outcome. A completion that ends its grader is wrong, or it could leave the count of samples so."""
    if isinstance(outcome, Failure):
        return Decision("wrong", {"rule": "grader_limit", "limit": outcome.limit}, seconds=outcome.seconds)
    label, evidence = outcome.value
    return Decision(label, evidence, seconds=outcome.seconds)


def answer_executor(settings: VerifySettings) -> WorkerPool:
    """Return the executor that decides answer pairs of mathematical rewards, under the limits of the settings."""
    return WorkerPool(DECIDE, settings.workers, settings.timeout_s, settings.memory_mb)
