"""The edges of a run's graph that lead from weights to what needs them."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

from prefect.client.schemas.objects import RunType, StateDetails
from prefect.context import FlowRunContext
from prefect.states import Completed
from prefect.utilities.annotations import quote
from prefect.utilities.engine import collect_task_run_inputs_sync

from flows.run import fleet, inline
from flows.run.makers import Makers
from tasks.domain.schema import Policy
from tasks.store.artifacts import ArtifactRef, Store
from tasks.store.ranges import RangeSamples
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


def test_a_job_waits_for_the_task_runs_that_made_its_artifacts_whatever_object_names_them() -> None:
    makers, store = Makers(), cast(Store, SimpleNamespace())
    samples, verdicts, other = (ArtifactRef(stage, "k", "d", "uri", 1) for stage in ("generate", "verify", "evaluate"))
    for ref in (samples, verdicts):
        makers.note(ref.stage, ref.stage, Outcome(ref, cached=False), store)
    makers.note("range", "a range elsewhere", RangeSamples(("a",), ((replace(samples, key="e"), other),)), store)
    assert makers.of(replace(samples)) == ["generate"]
    assert makers.of((RangeSamples(("a",), ((replace(samples), replace(verdicts)),)), 3)) == ["generate", "verify"]
    assert makers.of(replace(samples, key="e")) == ["a range elsewhere"]
    assert makers.of(replace(samples, key="another")) == []


def test_prefect_finds_no_edge_in_a_quoted_argument_though_the_address_of_an_old_result_is_used_again() -> None:
    ref = ArtifactRef("generate", "k", "d", "uri", 1)
    linked = (Completed(state_details=StateDetails(task_run_id=uuid4())), RunType.TASK_RUN, None)
    with FlowRunContext.model_construct(run_results={id(ref): linked}):
        assert len(collect_task_run_inputs_sync(Outcome(ref, cached=False))) == 1
        assert not collect_task_run_inputs_sync(quote(Outcome(ref, cached=False)))


def test_every_argument_of_a_submitted_task_run_is_quoted_or_its_name() -> None:
    calls = [
        node
        for module in (inline, fleet)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "submit"
    ]
    assert len(calls) == 2
    for argument in (one for call in calls for one in call.args):
        assert ast.unparse(argument).startswith("quote(") or ast.unparse(argument).endswith(".slot")
