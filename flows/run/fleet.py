"""`run.execution = "deployments"`: problem ranges and trainings as flow runs of their own, taken by any worker of a pool.

The orchestrating run holds no device. A range is one flow run, all its waves in it; a training is one. Both write to the
store, and the store says when they are done: nothing but references is handed over, and after a Retry only what is
missing is started. A flow run that is still on its way for the same work is waited for, not doubled.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from prefect import runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.states import Cancelling, Completed
from pydantic import TypeAdapter

from flows.run.run import Draws, Journal, Pipeline, Run, Stored
from tasks.base import MODEL_FILES, BaseJob
from tasks.data.problems import ProblemSets
from tasks.domain.errors import InfrastructureError, StageFailed
from tasks.domain.fingerprint import digest_of
from tasks.domain.schema import Policy
from tasks.finetune import FinetuneJob
from tasks.store.ranges import RangeSamples
from tasks.store.stage import with_retries
from tasks.store.workspace import Outcome, Workspace

DEPLOYMENT = "job/job"
POLL_S = 1.0
UNFINISHED = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]
Kind = Literal["range", "finetune", "pretrain"]


@dataclass(frozen=True)
class RangeJob:
    """One problem range of a run, with all that a worker needs to know to sample and grade it."""

    config: dict[str, Any]
    problems: ProblemSets
    draws: Draws
    number: int
    ids: tuple[str, ...]


PAYLOADS: dict[str, Any] = {"range": RangeJob, "finetune": FinetuneJob, "pretrain": BaseJob}


def to_payload(job: Any) -> dict[str, Any]:
    """A job as plain JSON values."""
    plain: dict[str, Any] = TypeAdapter(type(job)).dump_python(job, mode="json")
    return plain


def from_payload(kind: str, payload: dict[str, Any]) -> Any:
    """The job again."""
    return TypeAdapter(PAYLOADS[kind]).validate_python(payload)


@dataclass(frozen=True)
class LookedUp(Run):
    """A run that only looks into the store."""

    def submit(self, stage: Any, job: Any) -> Any:
        return Stored.look(self.workspace, job)

    def stored_range(self, job: RangeJob) -> RangeSamples | None:
        """The range if all its waves are in the store."""
        found = Pipeline(self, job.draws, job.number, job.ids).looked_up()
        return found if isinstance(found, RangeSamples) else None


@dataclass(frozen=True)
class DispatchedRun(Run):
    """A run whose sampling, grading and training happen in other flow runs."""

    def submit(self, stage: Any, job: Any) -> Any:
        if stage.name not in PAYLOADS:
            return super().submit(stage, job)
        return self._submit(stage.name, job.slot, job, lambda: Stored.look(self.workspace, job).outcome)

    def drive(self, pipelines: Iterable[Pipeline], in_flight: int) -> list[RangeSamples]:
        """All ranges at once: how many work side by side is the number of workers.

        The first failure is raised after the others have ended: a run that failed must leave nothing that a retry would meet.
        """
        looked = LookedUp(self.config, self.workspace, self.problems, self.base)
        config = self.config.model_dump(mode="json")
        config["run"]["store"] = self.workspace.store_url  # a relative one is meant from here
        jobs = [RangeJob(config, self.problems, one.draws, one.number, one.ids) for one in pipelines]
        slots = [f"{job.draws.slot}/range-{job.number:03d}" for job in jobs]
        futures = [
            self._submit("range", slot, job, lambda job=job: looked.stored_range(job))
            for slot, job in zip(slots, jobs, strict=True)
        ]
        concurrent.futures.wait([future.wrapped_future for future in futures])
        return [self.result(future) for future in futures]

    def result(self, future: Any) -> Any:
        made = super().result(future)
        return made.value if isinstance(made, Done) else made

    def _submit(self, kind: str, slot: str, job: Any, look: Any) -> Any:
        named = elsewhere.with_options(name=kind)
        future = with_retries(named, self.config.retry).submit(
            kind, slot, self.workspace.run, job, look, self.journal, wait_for=self.journal.makers.of(job)
        )
        self.journal.submitted[id(future)] = (kind, slot)
        return future


@dataclass(frozen=True)
class Done:
    """What a worker made. Has what a journal asks of an outcome."""

    value: Any
    cached: bool


@task(name="elsewhere", task_run_name="{slot}", cache_policy=NO_CACHE, persist_result=False)
def elsewhere(kind: str, slot: str, run: str, job: Any, look: Any, journal: Journal) -> Any:
    """Find the work in the store, or have a worker do it and find it then."""
    if (found := look()) is not None:
        return Completed(name="Cached", message=f"{slot} is in the store", data=_done(found, True))
    flow_run = _adopted_or_started(kind, slot, run, to_payload(job))
    journal.jobs.append(flow_run.id)
    state = _final_state(flow_run)
    if (found := look()) is not None:
        return Completed(message=f"done by flow run {flow_run.name}", data=_done(found, False))
    message = f"{state.message or state.name} (in flow run {flow_run.name})"
    raise StageFailed(message) if state.is_failed() and not state.is_crashed() else InfrastructureError(message)


def _done(found: Any, cached: bool) -> Any:
    if isinstance(found, Outcome):
        return Outcome(found.ref, cached)
    return Done(found, cached)


def _adopted_or_started(kind: str, slot: str, run: str, payload: dict[str, Any]) -> FlowRun:
    """The flow run for this work that an earlier attempt left on its way, else a new one."""
    tag = f"work-{digest_of(payload)}"
    wanted = {"tags": {"all_": [tag]}, "state": {"type": {"any_": UNFINISHED}}}
    with get_client(sync_client=True) as client:
        unfinished = client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted), limit=1)
    if unfinished:
        return unfinished[0]
    started: Any = run_deployment(
        DEPLOYMENT, parameters={"name": f"{run}: {slot}", "kind": kind, "payload": payload}, timeout=0,
        flow_run_name=f"{run}: {slot}", tags=["restem", tag],
    )  # fmt: skip
    return started


def _final_state(flow_run: FlowRun) -> Any:
    with get_client(sync_client=True) as client:
        while True:
            state = client.read_flow_run(flow_run.id).state
            if state is not None and state.is_final():
                return state
            time.sleep(POLL_S)


def cancel_jobs(journal: Journal) -> None:
    """Cancel the flow runs that this run still waits for: they go down with it."""
    with get_client(sync_client=True) as client:
        for flow_run_id in journal.jobs:
            state = client.read_flow_run(flow_run_id).state
            if state is not None and not state.is_final():
                message = f"The run that waited for this was cancelled: {runtime.flow_run.name}"
                client.set_flow_run_state(flow_run_id, Cancelling(message=message))


def shared_base(workspace: Workspace, base: Policy) -> Policy:
    """The base model in the store, where every worker can fetch it; put there once per digest."""
    store, folder = workspace.store, Path(base.uri)
    if "://" in base.uri or base.uri.startswith(store.path("")):
        return base
    place, marker = f"models/{base.digest}", f"models/{base.digest}.done"
    if store.read_json(marker) is None:
        for path in sorted({path for pattern in MODEL_FILES for path in folder.glob(pattern)}):
            store.put_file(f"{place}/{path.name}", path)
        store.write_json(marker, {"from": base.uri})
    return Policy(base.digest, store.uri(place), base.name)


def run_class(execution: str) -> type[Run]:
    """How a run gets its stages done."""
    return DispatchedRun if execution == "deployments" else Run
