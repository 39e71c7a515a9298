"""A pool of killable grading processes.

    run_many ──batches──▶ queue ──▶ slot thread 1 ──pipe──▶ worker process 1
                                └─▶ slot thread 2 ──pipe──▶ worker process 2 ...

Each slot thread owns one worker: it starts it, times it from outside, kills it, and starts the next one, so the pool
keeps its size whatever the payloads do. The kernel kills a worker when its slot thread ends (PR_SET_PDEATHSIG goes by
thread), so no worker outlives this process, not even one that is stuck in a long C operation after a `kill -9` here.
A payload that ends its worker twice, the second time alone on a fresh one, is decided as `wrong` with `grader_limit`.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import queue
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.domain.errors import GraderUnavailable
from tasks.domain.rewards.base import Check, Decision
from tasks.domain.settings import VerifySettings
from tasks.graders.worker import FRAME, OUT_OF_MEMORY, PROGRESS

DECIDE = "tasks.domain.equivalence.decide:decide"
PROJECT_ROOT = Path(__file__).resolve().parents[2]
BATCH = 64  # payloads in one message: about 10 us of overhead each
BATCHES_PER_WORKER = 4  # of one call, so that a slow payload does not hold up a quarter of the work
START_TIMEOUT_S = 60.0
START_ATTEMPTS = 3
POLL_S = 0.05  # how late a change of progress may be noticed


@dataclass(frozen=True)
class Failure:
    """A worker ended or was killed at payload `at` of its batch."""

    at: int
    limit: str  # "timeout" | "memory" | "crash"
    seconds: float


class Worker:
    """One child process and its pipes. Not thread-safe: it belongs to one slot."""

    def __init__(self, function: str, memory_mb: int) -> None:
        self._shared = tempfile.TemporaryFile()  # noqa: SIM115  closed by kill()
        self._shared.truncate(mmap.PAGESIZE)
        self._progress = mmap.mmap(self._shared.fileno(), mmap.PAGESIZE)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        fd = self._shared.fileno()
        command = [
            sys.executable,
            "-m",
            "tasks.graders.worker",
            str(os.getpid()),
            function,
            str(memory_mb),
            str(fd),
        ]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            cwd=PROJECT_ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},  # the same order of sets everywhere
            pass_fds=(fd,),
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._buffer = bytearray()

    def wait_ready(self) -> None:
        """GraderUnavailable with the worker's last words when it does not come up."""
        if self._next_frame(START_TIMEOUT_S) is None:
            self.process.kill()
            self._errors.seek(0)
            words = self._errors.read()[-300:].decode(errors="replace").strip()
            self.kill()
            raise GraderUnavailable(f"a grading worker did not start: {words or 'no output'}")

    def exchange(self, payloads: Sequence[Any], limit_s: float) -> dict[str, Any] | Failure:
        """The worker's reply, or how it failed; `limit_s` is for each payload. After a Failure the worker is dead."""
        PROGRESS.pack_into(self._progress, 0, 0)
        body = json.dumps(payloads).encode()
        started = time.monotonic()
        try:
            message = memoryview(FRAME.pack(len(body)) + body)
            while message:
                message = message[self._stdin.write(message) or 0 :]
            frame = self._next_frame(limit_s)
        except BrokenPipeError:
            frame = None
        if frame is not None:
            reply: dict[str, Any] = json.loads(frame)
            return reply
        limit = self._reason()
        self.kill()
        return Failure(PROGRESS.unpack_from(self._progress)[0], limit, time.monotonic() - started)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self._stdin, self._stdout, self._errors, self._shared):
            stream.close()

    def alive(self) -> bool:
        return self.process.poll() is None

    def _reason(self) -> str:
        """Why there was no frame: still running means too slow."""
        try:
            status = self.process.wait(0.1 if self._ended else 0)
        except subprocess.TimeoutExpired:
            return "crash" if self._ended else "timeout"
        return "memory" if status == OUT_OF_MEMORY else "crash"

    _ended = False

    def _next_frame(self, limit_s: float) -> bytes | None:
        """One frame; None when the worker closed its pipe or made no progress for `limit_s`."""
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        seen, since = -1, time.monotonic()
        while (frame := self._complete_frame()) is None:
            if poll.poll(max(1, int(min(POLL_S, limit_s) * 1000))):
                part = os.read(self._stdout.fileno(), 1 << 20)
                if not part:
                    self._ended = True
                    return None
                self._buffer += part
                continue
            number = PROGRESS.unpack_from(self._progress)[0]
            if number != seen:
                seen, since = number, time.monotonic() - (POLL_S if seen >= 0 else 0)
            elif time.monotonic() - since > limit_s:
                return None
        return frame

    def _complete_frame(self) -> bytes | None:
        if len(self._buffer) < FRAME.size:
            return None
        end = FRAME.size + FRAME.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[FRAME.size : end])
        del self._buffer[:end]
        return frame


@dataclass(frozen=True)
class _Job:
    payloads: Sequence[Any]
    done: Future[list[Decision]]
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

    def _do(self, job: _Job) -> list[Decision]:
        if job.meet is not None:
            self._ready_worker()
            job.meet.wait(START_TIMEOUT_S)
        return self._decide(job.payloads)

    def _decide(self, payloads: Sequence[Any]) -> list[Decision]:
        if not payloads:
            return []
        reply = self._exchange(payloads)
        if isinstance(reply, list):
            return reply
        decided = self._decide_alone(payloads[reply.at], reply)
        return [*self._decide(payloads[: reply.at]), decided, *self._decide(payloads[reply.at + 1 :])]

    def _decide_alone(self, payload: Any, first: Failure) -> Decision:
        again = self._exchange([payload])
        if isinstance(again, list):
            return again[0]
        evidence = {"rule": "grader_limit", "limit": again.limit}
        return Decision("wrong", evidence, seconds=first.seconds + again.seconds)

    def _exchange(self, payloads: Sequence[Any]) -> list[Decision] | Failure:
        reply = self._ready_worker().exchange(payloads, self._pool.attempt_s)
        if isinstance(reply, Failure):
            self.worker = None
            return reply
        if reply["tired"]:
            self._drop_worker()
        return [Decision(label, evidence, seconds=seconds) for label, evidence, seconds in reply["answers"]]

    def _ready_worker(self) -> Worker:
        if self.worker is not None and not self.worker.alive():
            self._drop_worker()
        for attempt in range(START_ATTEMPTS):
            if self.worker is not None:
                return self.worker
            try:
                worker = Worker(self._pool.function, self._pool.memory_mb)
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
    """Runs `function` (`package.module:name`, JSON-like payload -> (label, evidence)) in `workers` processes.

    `timeout_s` is the wall-clock limit of one payload, both attempts together; `memory_mb` limits a worker's address
    space.
    Threads and processes start with the first call, and again after a fork.
    """

    def __init__(self, function: str, workers: int = 0, timeout_s: float = 5.0, memory_mb: int = 2048) -> None:
        self.function, self.memory_mb = function, memory_mb
        self.size = workers or min(8, os.cpu_count() or 1)
        self.attempt_s = timeout_s / 2
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._slots: list[_Slot] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()

    def run_many(self, checks: Sequence[Check]) -> list[Decision]:
        """One decision per check, in order; checks that are decided already pass through."""
        open_checks = [number for number, check in enumerate(checks) if check.decided is None]
        decisions = [check.decided for check in checks]
        for number, decision in zip(open_checks, self._run([checks[n].payload for n in open_checks]), strict=True):
            decisions[number] = decision
        return [decision for decision in decisions if decision is not None]

    def _run(self, payloads: list[Any]) -> list[Decision]:
        if not payloads:
            return []
        size = min(BATCH, math.ceil(len(payloads) / (BATCHES_PER_WORKER * self.size)))
        with self._lock:
            self._start()
            jobs = [_Job(payloads[at : at + size], Future()) for at in range(0, len(payloads), size)]
            for job in jobs:
                self._jobs.put(job)
        return [decision for job in jobs for decision in job.done.result()]

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
        """Slots that take work: the pool's real size."""
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


def answer_executor(settings: VerifySettings) -> WorkerPool:
    """What decides answer pairs of mathematical rewards, under the limits of the settings."""
    return WorkerPool(DECIDE, settings.workers, settings.timeout_s, settings.memory_mb)
