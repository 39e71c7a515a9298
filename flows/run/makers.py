"""Knows which task run made which weights: the edges base -> generate, base -> finetune, finetune -> generate of a run's graph.

Prefect draws an edge where the result of one task is an argument of another. A policy is no such result: it is chosen among the
epochs of a training and named by its digest. So the task runs that made it are passed as `wait_for`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from tasks.domain.schema import Policy
from tasks.store.artifacts import Store
from tasks.store.workspace import Outcome

MAKERS = ("finetune", "pretrain")


class Makers:
    """The task runs of this run, by the digests of the weights that they made."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def note(self, stage: str, future: Any, outcome: Any, store: Store) -> None:
        """Remember the weights that this task run made, if it made any."""
        if stage in MAKERS and isinstance(outcome, Outcome):
            manifest = store.manifest_of(outcome.ref)
            made = [epoch["digest"] for epoch in manifest.meta.get("epochs", ())] or [manifest.digest]
            self._made.update(dict.fromkeys(made, future))

    def of(self, job: Any) -> list[Any]:
        """Return the task runs that made the weights which this job needs."""
        found = {id(one): one for policy in _policies(job) if (one := self._made.get(policy.digest)) is not None}
        return list(found.values())


def _policies(job: Any) -> Iterator[Policy]:
    """Return the policies among the fields of a job and of its draws."""
    if isinstance(job, Policy):
        yield job
    elif is_dataclass(job) and not isinstance(job, type):
        for one in fields(job):
            yield from _policies(getattr(job, one.name))
