"""The edges of a run's graph that lead from weights to what needs them."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from flows.run.makers import Makers
from tasks.domain.schema import Policy
from tasks.store.artifacts import ArtifactRef, Store
from tasks.store.workspace import Outcome


@dataclass(frozen=True)
class Draws:
    policy: Policy


@dataclass(frozen=True)
class Job:
    start: Policy
    draws: Draws


def test_a_job_waits_for_the_task_runs_that_made_its_weights_once_each() -> None:
    metas: dict[str, Any] = {"base": {}, "trained": {"epochs": [{"digest": "e1"}, {"digest": "e2"}]}}
    store = SimpleNamespace(manifest_of=lambda ref: SimpleNamespace(meta=metas[ref.key], digest="d-base"))
    makers, futures = Makers(), {name: object() for name in (*metas, "verify")}
    for stage, name in (("pretrain", "base"), ("finetune", "trained"), ("verify", "verify")):
        outcome = Outcome(ArtifactRef(stage, name, "d", "uri", 1), cached=False)
        makers.note(stage, futures[name], outcome, cast(Store, store))
    base, first, second = (Policy(digest, "uri") for digest in ("d-base", "e1", "e2"))
    assert makers.of(Job(base, Draws(first))) == [futures["base"], futures["trained"]]
    assert makers.of(Job(first, Draws(second))) == [futures["trained"]]
    assert makers.of(Job(Policy("hub", "u"), Draws(Policy("", "")))) == []
