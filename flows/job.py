"""What a worker does for a run that another flow run orchestrates: one problem range, or one stage by itself."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import replace
from typing import Any

from prefect import flow, runtime
from prefect.states import Failed

from flows.config import config_with, make_config
from flows.operation.boundary import guard_this_run
from flows.operation.device import device
from flows.operation.flow_run import RUNNER
from flows.places import SCRATCH_VARIABLE
from flows.run.budget import Budget
from flows.run.fleet import SENT, Kind, RangeJob, from_payload
from flows.run.inline import Inline, as_task
from flows.run.preflight import workspace_of
from flows.run.run import NoLimit, Stages
from flows.run.waves import walk
from tasks.domain.errors import RestemError, UserError, one_sentence
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.choose import engine_class, kind_at_hand
from tasks.engines.sampling.host import close_all
from tasks.generate import GenerateJob
from tasks.processes.ending import ending_at_once
from tasks.processes.guard import started_pids
from tasks.store.stage import Job
from tasks.store.workspace import Workspace


@flow(name="job", flow_run_name="{name}", task_runner=RUNNER, persist_result=False, validate_parameters=False)
def job(name: str, kind: Kind, payload: dict[str, Any]) -> Any:
    """Do one piece of a run with execution = "deployments"; started by that run.

    Args:
        name: For the interface.
        kind: What the payload is.
        payload: The job as JSON.
    """
    guard_this_run()
    work = from_payload(kind, payload)
    started = time.time()
    try:
        with ending_at_once(), device("inline"):
            try:
                workspace = _range(work) if kind == "range" else _stage(kind, work)
            finally:
                close_all()
    except RestemError as error:
        return Failed(message=one_sentence(error))
    note_times(workspace, name, started)
    return None


def _range(sent: RangeJob) -> Workspace:
    config = make_config(config_with(sent.config, {"run": _scratch()}))
    check_engine_here(config.engine)
    workspace = workspace_of(config)
    hook = Budget.of(sent.limits, workspace) if sent.limits else NoLimit()
    walk(Stages(config, workspace, Inline(), hook), sent.work)
    return workspace


def _stage(kind: str, work: Any) -> Workspace:
    if isinstance(work, GenerateJob):
        check_engine_here(work.engine)
    at_home: Job = replace(work, workspace=replace(work.workspace, **_scratch()))
    as_task(SENT[kind]).submit(at_home).result()
    return at_home.workspace


def _scratch() -> dict[str, str]:
    """Replace the job's scratch folder by the worker's, where the worker names one."""
    scratch = os.environ.get(SCRATCH_VARIABLE)
    return {"scratch": scratch} if scratch else {}


def check_engine_here(engine: EngineSettings) -> None:
    """Refuse a job whose engine is not installed here: another engine would store its samples under the wrong key."""
    kind = kind_at_hand(engine.kind)
    if kind != engine.kind:
        raise UserError(
            f"engine.kind is {engine.kind!r}, but {engine_class(engine.kind).library} is not installed on worker "
            f"{platform.node()}; install it there, or run with engine.kind = {kind!r}"
        )


def note_times(workspace: Workspace, name: str, started: float) -> None:
    """Store beside the run when and where this job was done, which shows how work was spread over workers and engines."""
    record = {
        "name": name, "host": platform.node(), "worker": os.getppid(), "process": os.getpid(), "engines": list(started_pids()) or [os.getpid()],
        "started": started, "ended": time.time(),
    }  # fmt: skip
    workspace.store.write_json(workspace.places.job(str(runtime.flow_run.id)), record)
