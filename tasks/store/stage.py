"""A stage of the pipeline as a value: its name, and the function that does one of its jobs.

Modules in `flows.run` decide how a stage is executed: here as a Prefect task, by a worker elsewhere, or only looked up. The
stages themselves do not know it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tasks.domain.disk import disk_faults_told
from tasks.store.workspace import Outcome, Workspace


class Job(Protocol):
    """What one task run works on: small, picklable, and able to say what its result is made from."""

    @property
    def workspace(self) -> Workspace:
        """Return the run's workspace."""

    @property
    def slot(self) -> str:
        """Return the place in the run, as `tasks.store.slots.Slot` prints it; it names the task run."""

    def recipe(self) -> dict[str, Any]:
        """Return everything that decides the result; its digest is the artifact's key."""


@dataclass(frozen=True)
class Stage:
    """One stage. `run(job)` finds the result in the store or makes it; a disk that refuses is the user's to mend, not retried."""

    name: str
    work: Callable[[Any], Outcome]

    def run(self, job: Any) -> Outcome:
        scratch = Path(job.workspace.scratch).absolute()
        with disk_faults_told(str(scratch), scratch):
            return self.work(job)
