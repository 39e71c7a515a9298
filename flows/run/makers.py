"""Knows which task run made which artifact and which weights: the edges of a run's graph, as `wait_for` of each task run.

Prefect draws an edge by itself where the result of one task run is an argument of another, which it finds by the address of
the object. Addresses are used again once an object is gone, so it also draws edges that are not there; and a policy is no such
result: it is chosen among the epochs of a training. So what a job needs is looked up by name, and its arguments are passed quoted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from tasks.domain.schema import Policy
from tasks.store.artifacts import ArtifactRef, Store
from tasks.store.workspace import Outcome

MAKERS = ("finetune", "pretrain")


class Makers:
    """The task runs of this run, by what they made: the names of artifacts, and the digests of weights."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def note(self, stage: str, future: Any, made: Any, store: Store) -> None:
        """Remember what this task run made: an outcome, or whatever holds references to artifacts."""
        self._made.update(dict.fromkeys(_named(made), future))
        if stage in MAKERS and isinstance(made, Outcome):
            manifest = store.manifest_of(made.ref)
            weights = [epoch["digest"] for epoch in manifest.meta.get("epochs", ())] or [manifest.digest]
            self._made.update(dict.fromkeys(map(_weights, weights), future))

    def of(self, job: Any) -> list[Any]:
        """Return the task runs that made what this job needs, each once."""
        found = {id(one): one for name in _named(job) if (one := self._made.get(name)) is not None}
        return list(found.values())


def _weights(digest: str) -> str:
    return f"weights/{digest}"


def _named(value: Any) -> Iterator[str]:
    """Return the names of all artifacts and policies in a job, in a result, or in a part of one."""
    if isinstance(value, ArtifactRef):
        yield f"{value.stage}/{value.key}"
    elif isinstance(value, Policy):
        yield _weights(value.digest)
    elif isinstance(value, tuple):
        for one in value:
            yield from _named(one)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _named(getattr(value, field.name))
