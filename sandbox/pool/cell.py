"""One supervisor as its host sees it: frames out, frames in, a heartbeat, and a deadline that a watcher enforces."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from sandbox.hosts.launch import LaunchFailed, Link
from sandbox.image.inside import frames
from sandbox.job import Execution, Job
from sandbox.limits import Limits
from sandbox.status import Ending

HELLO_SECONDS = 60.0
GRACE_SECONDS = 20.0  # beyond a job's own wall limit: cleaning, a first import of numpy, a busy machine


class Cell:
    """A supervisor's connection. Only one thread may read from it; any thread may send and `kill`."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.jobs = 0
        self.gone = False
        self.deadline: float | None = None
        self._reader = frames.FrameReader()
        self._arrived: deque[tuple[bytes, bytes]] = deque()
        self._sending = threading.Lock()
        self.hello = self._greeting()

    def _greeting(self) -> dict[str, Any]:
        watchdog = threading.Timer(HELLO_SECONDS, self.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            kind, payload = self.next_frame()
        finally:
            watchdog.cancel()
        if kind != frames.HELLO:
            self.kill()
            raise LaunchFailed(f"{self.link.name} did not start: {payload.decode(errors='replace')[-500:]}")
        return frames.unpacked(payload)[0]

    def send_jobs(self, jobs: list[Job]) -> None:
        """Send jobs, which run after those sent before."""
        self.send(b"".join(self._packed(job) for job in jobs))

    def _packed(self, job: Job) -> bytes:
        header = {"id": self.jobs, "mode": job.mode, "numpy": job.numpy, "limits": _limits(job.limits)}
        self.jobs += 1
        requests = [job.requests] if job.mode in ("calls", "turns") else []
        return frames.packed(frames.JOB, header, job.source, job.stdin, *requests)

    def send(self, data: bytes) -> None:
        """Send one frame; OSError when the supervisor is gone."""
        with self._sending:
            self.link.send(data)

    def ping(self) -> None:
        """Send a heartbeat, unless another frame is being sent, which serves as one."""
        if self._sending.acquire(blocking=False):
            try:
                self.link.send(frames.frame(frames.PING))
            except OSError:
                self.gone = True
            finally:
                self._sending.release()

    def next_frame(self) -> tuple[bytes, bytes]:
        """Return the next frame; (BYE, reason) when no more frames come."""
        while not self._arrived:
            data = self.link.receive()
            if not data:
                self.gone = True
                return frames.BYE, f"the container ended: {self.link.last_words()}".encode()
            try:
                self._arrived.extend(self._reader.feed(data))
            except frames.BadFrame as error:
                self.kill()
                return frames.BYE, str(error).encode()
        return self._arrived.popleft()

    def expect(self, job: Job) -> None:
        """Start this job's deadline: without a result in time the container counts as dead."""
        self.deadline = time.monotonic() + job.limits.hard_wall_seconds + GRACE_SECONDS

    def kill(self) -> None:
        self.gone = True
        self.link.kill()

    def run(self, job: Job) -> Execution:
        """Run one job alone on this cell and wait for it; INFRA when the container ended."""
        self.expect(job)
        self.send_jobs([job])
        while True:
            kind, payload = self.next_frame()
            if kind == frames.RESULT:
                return execution(payload)
            if kind == frames.BYE:
                return Execution(Ending.INFRA, detail=words(payload), container_ended=True)


@lru_cache(maxsize=256)
def _limits(limits: Limits) -> dict[str, Any]:
    """Return limits in the form that the supervisor reads."""
    return asdict(limits) | {
        "idle_wall_seconds": limits.idle_wall_seconds,
        "hard_wall_seconds": limits.hard_wall_seconds,
    }


def execution(payload: bytes) -> Execution:
    """Return the execution that a RESULT frame describes."""
    header, (stdout, stderr, answers) = frames.unpacked(payload)
    header.pop("id")
    return Execution(
        **(header | {"ending": Ending(header["ending"])}),
        stdout=stdout,
        stderr_tail=stderr.decode(errors="replace"),
        answers=answers,
    )


def words(payload: bytes) -> str:
    """Return the reason in a BYE frame."""
    return payload.decode(errors="replace")[-500:]
