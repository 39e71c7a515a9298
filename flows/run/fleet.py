"""`run.execution = "deployments"`: problem ranges and trainings as flow runs of their own, taken by any worker of a pool.

The orchestrating run holds no device. A range is one flow run with all its waves; a training is one flow run. Both write to
the store, and the store says when they are done: only references are handed over, and after a Retry only what is missing
is started. A flow run that has not finished yet is waited for; no second one is started for the same work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from prefect import runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.states import Cancelling, Completed
from prefect.utilities.annotations import quote
from pydantic import TypeAdapter

from flows.config import RunConfig
from flows.run.budget import Budget, Limits
from flows.run.draws import Draws, RangeWork
from flows.run.inline import Inline, with_retries
from flows.run.lookup import Lookup, stored
from flows.run.run import Executor, Journal, NoLimit, NotStored, Stages
from flows.run.waves import walk
from tasks.base import MODEL_FILES, BaseJob, pretrain
from tasks.domain.errors import InfrastructureError, StageFailed
from tasks.domain.fingerprint import digest_of
from tasks.domain.schema import Policy
from tasks.finetune import FinetuneJob, finetune
from tasks.generate import GenerateJob, generate
from tasks.store.ranges import RangeSamples
from tasks.store.stage import Job, Stage
from tasks.store.workspace import Outcome, Workspace
from tasks.verify import VerifyJob, verify

DEPLOYMENT = "job/job"
POLL_S = 1.0
UNFINISHED = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]
Kind = Literal["range", "generate", "verify", "finetune", "pretrain"]


@dataclass(frozen=True)
class RangeJob:
    """One problem range of a run, with all that a worker needs to know to sample and grade it."""

    config: dict[str, Any]
    draws: Draws
    number: int
    ids: tuple[str, ...]
    limits: Limits | None = None

    @property
    def work(self) -> RangeWork:
        return RangeWork(self.draws, self.number, self.ids)


PAYLOADS: dict[str, Any] = {
    "range": RangeJob, "generate": GenerateJob, "verify": VerifyJob, "finetune": FinetuneJob, "pretrain": BaseJob,
}  # fmt: skip
SENT: dict[str, Stage] = {stage.name: stage for stage in (generate, verify, finetune, pretrain)}


def to_payload(job: Any) -> dict[str, Any]:
    """Return a job as plain JSON values."""
    plain: dict[str, Any] = TypeAdapter(type(job)).dump_python(job, mode="json")
    return plain


def from_payload(kind: str, payload: dict[str, Any]) -> Any:
    """Return the job that this payload describes."""
    return TypeAdapter(PAYLOADS[kind]).validate_python(payload)


@dataclass(frozen=True)
class Sent:
    """Work for another flow run. `look` finds in the store what the work made, or returns None when it is not there."""

    kind: Kind
    slot: str
    run: str
    job: Any
    look: Callable[[], Any]


@dataclass(frozen=True)
class Done:
    """What `look` found, and whether it was already there before the work was sent."""

    value: Any
    cached: bool


class Fleet:
    """The executor of a run whose sampling, grading and training happen in other flow runs."""

    keeps_going = True  # a run that failed must leave nothing that a retry would meet

    def __init__(self) -> None:
        self.here = Inline()

    def in_flight(self, stages: Stages, ranges: int) -> int:
        """Put all ranges in flight, because the number of workers limits how many are worked on at once."""
        return ranges

    def base(self, stages: Stages, base: Policy) -> Policy:
        return shared_base(stages.workspace, base)

    def stage(self, stages: Stages, stage: Stage, job: Job) -> Outcome:
        if stage.name not in SENT:
            return self.here.stage(stages, stage, job)
        kind: Any = stage.name
        sent = Sent(kind, job.slot, job.workspace.run, job, lambda: stored(stage, job).outcome)
        done = self._elsewhere(stages, sent)
        return Outcome(done.value.ref, done.cached)

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        """Do all waves in one flow run. Under a budget the worker asks the budget too, and what it left undone is no failure."""
        limits = stages.hook.limits if isinstance(stages.hook, Budget) and work.draws.capped else None
        limits = limits if limits and limits.any else None
        if limits and not stages.hook.goes_on(work.draws):
            return as_far_as_stored(stages, work)
        job = RangeJob(_for_workers(stages), work.draws, work.number, work.ids, limits)
        look = _under_budget(stages, work) if limits else lambda: stored_range(stages, work)
        try:
            done = self._elsewhere(stages, Sent("range", str(work.slot), stages.workspace.run, job, look))
        except Exception as error:
            stages.journal.failed("range", str(work.slot), error)
            raise
        made: RangeSamples = done.value
        for _, verdicts in made.waves[-1:]:  # one task run of this flow run
            stages.journal.note(Outcome(verdicts, done.cached))
        return made

    def _elsewhere(self, stages: Stages, sent: Sent) -> Done:
        named = with_retries(elsewhere.with_options(name=sent.kind), stages.config.retry)
        future = named.submit(sent.slot, quote(sent), quote(stages.journal), wait_for=self.here.makers.of(sent.job))
        done: Done = future.result()
        self.here.makers.note(sent.kind, future, done.value, stages.workspace.store)
        return done


def executor_for(config: RunConfig) -> Executor:
    """Return the executor for a run with this config."""
    return Fleet() if config.run.execution == "deployments" else Inline()


def stored_range(stages: Stages, work: RangeWork) -> RangeSamples | None:
    """Return the range if all its waves are in the store, else None."""
    try:
        return walk(replace(stages, executor=Lookup(), hook=NoLimit()), work)
    except NotStored:
        return None


def as_far_as_stored(stages: Stages, work: RangeWork) -> RangeSamples:
    """Return the waves of the range that are in the store."""
    for waves in range(len(work.draws.spans), 0, -1):
        first = replace(work, draws=replace(work.draws, spans=work.draws.spans[:waves]))
        if (found := stored_range(stages, first)) is not None:
            return found
    return RangeSamples(work.ids, ())


def _under_budget(stages: Stages, work: RangeWork) -> Callable[[], RangeSamples | None]:
    """Return a look that finds the whole range or, once the budget is spent, the part of it that is stored."""

    def look() -> RangeSamples | None:
        whole = stored_range(stages, work)
        return whole if whole is not None or stages.hook.goes_on(work.draws) else as_far_as_stored(stages, work)

    return look


def _for_workers(stages: Stages) -> dict[str, Any]:
    config = stages.config.model_dump(mode="json")
    config["run"]["store"] = stages.workspace.store_url  # a relative one is meant from here
    return config


@task(name="elsewhere", task_run_name="{slot}", cache_policy=NO_CACHE, persist_result=False)
def elsewhere(slot: str, sent: Sent, journal: Journal) -> Any:
    """Find the work in the store, or have a worker do it and find it then."""
    if (found := sent.look()) is not None:
        return Completed(name="Cached", message=f"{slot} is in the store", data=Done(found, True))
    flow_run = _adopted_or_started(sent)
    journal.jobs.append(flow_run.id)
    state = _final_state(flow_run)
    if (found := sent.look()) is not None:
        return Completed(message=f"done by flow run {flow_run.name}", data=Done(found, False))
    message = f"{state.message or state.name} (in flow run {flow_run.name})"
    raise StageFailed(message) if state.is_failed() and not state.is_crashed() else InfrastructureError(message)


def _adopted_or_started(sent: Sent) -> FlowRun:
    """Return the unfinished flow run that an earlier attempt started for this work, else a new one."""
    payload = to_payload(sent.job)
    tag = f"work-{digest_of({name: value for name, value in payload.items() if name != 'limits'})}"
    wanted = {"tags": {"all_": [tag]}, "state": {"type": {"any_": UNFINISHED}}}
    with get_client(sync_client=True) as client:
        unfinished = client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted), limit=1)
    if unfinished:
        return unfinished[0]
    name = f"{sent.run}: {sent.slot}"
    started: Any = run_deployment(
        DEPLOYMENT, parameters={"name": name, "kind": sent.kind, "payload": payload}, timeout=0,
        flow_run_name=name, tags=["restem", tag],
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
    """Cancel the flow runs that this run still waits for, because they end with it."""
    with get_client(sync_client=True) as client:
        for flow_run_id in journal.jobs:
            state = client.read_flow_run(flow_run_id).state
            if state is not None and not state.is_final():
                message = f"The run that waited for this was cancelled: {runtime.flow_run.name}"
                client.set_flow_run_state(flow_run_id, Cancelling(message=message))


def shared_base(workspace: Workspace, base: Policy) -> Policy:
    """Put the base model into the store once per digest, so that every worker can fetch it, and return it."""
    store, folder = workspace.store, Path(base.uri)
    if "://" in base.uri or base.uri.startswith(store.path("")):
        return base
    place, marker = f"models/{base.digest}", f"models/{base.digest}.done"
    if store.read_json(marker) is None:
        for path in sorted({path for pattern in MODEL_FILES for path in folder.glob(pattern)}):
            store.put_file(f"{place}/{path.name}", path)
        store.write_json(marker, {"from": base.uri})
    return Policy(base.digest, store.uri(place), base.name)
