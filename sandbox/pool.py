"""A pool of warm containers that run hostile programs: `open_sandbox(settings)` is the only door."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import Protocol, Self

from sandbox.job import Execution, Job
from sandbox.settings import SandboxSettings


class Session(Protocol):
    """A running child with a framed two-way byte channel; one slot is taken until it is closed."""

    def send(self, message: bytes) -> None:
        """One frame to the child. A child that has ended is not an error: `receive` tells."""

    def receive(self, timeout: float | None = None) -> bytes | Execution:
        """The child's next frame, or how it ended. After `timeout` seconds without either: TimeoutError."""

    def close(self) -> Execution:
        """End the child if it still runs (its own end is waited for as long as its limits allow) and free the slot."""


class Sandbox(Protocol):
    """Thread-safe; a context manager."""

    @property
    def slots(self) -> int:
        """How many programs run at once."""

    def submit(self, job: Job) -> Future[Execution]:
        """Never raises for what a program does; INFRA when no container could be had."""

    def run_many(self, jobs: Iterable[Job]) -> list[Execution]:
        """Executions in the order of `jobs`."""

    def session(self, job: Job) -> Session:
        """Start a job of a mode with a channel; blocks until a slot is free. Take a tester's before a candidate's."""

    def close(self) -> None:
        """End every container; running jobs end as INFRA."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_sandbox(settings: SandboxSettings) -> Sandbox:
    """Containers up and tested. UserError: no engine, no image, or an escape that works."""
    raise NotImplementedError("being built")
