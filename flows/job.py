"""What a worker does for a run that is orchestrated elsewhere: one problem range, or one training."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import replace
from typing import Any, cast

from prefect import flow, runtime
from prefect.states import Failed

from flows.config import config_with, make_config
from flows.operation.boundary import guard_this_run
from flows.operation.device import device
from flows.operation.form import SCRATCH_VARIABLE
from flows.run.fleet import Kind, RangeJob, from_payload
from flows.run.preflight import workspace_of
from flows.run.run import Pipeline, Run
from flows.self_train import RUNNER
from tasks.base import pretrain
from tasks.domain.errors import RestemError, one_sentence
from tasks.domain.schema import Policy
from tasks.engines.sampling.host import close_all
from tasks.finetune import finetune
from tasks.processes.ending import ending_at_once
from tasks.processes.guard import started_pids
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
    work = at_home(from_payload(kind, payload))
    started = time.time()
    try:
        with ending_at_once(), device("inline"):
            try:
                _range(work) if kind == "range" else _training(kind, work)
            finally:
                close_all()
    except RestemError as error:
        return Failed(message=one_sentence(error))
    note_times(work, name, started)
    return None


def _range(work: RangeJob) -> None:
    config = make_config(work.config)
    run = Run(config, workspace_of(config), work.problems, Policy("", ""))
    run.drive([Pipeline(run, work.draws, work.number, work.ids)], 1)


def _training(kind: str, work: Any) -> None:
    ({"finetune": finetune, "pretrain": pretrain}[kind]).submit(work).result()


def at_home(work: Any) -> Any:
    """The job with this machine's scratch folder, where the worker names one."""
    scratch = os.environ.get(SCRATCH_VARIABLE)
    if not scratch:
        return work
    if isinstance(work, RangeJob):
        return replace(work, config=config_with(work.config, {"run": {"scratch": scratch}}))
    return replace(work, workspace=replace(work.workspace, scratch=scratch))


def workspace_of_job(work: Any) -> Workspace:
    """Where the job works."""
    return workspace_of(make_config(work.config)) if isinstance(work, RangeJob) else cast(Workspace, work.workspace)


def note_times(work: Any, name: str, started: float) -> None:
    """When and where this was done, beside the run: shows how work was spread over workers and engines."""
    workspace = workspace_of_job(work)
    record = {
        "name": name, "host": platform.node(), "worker": os.getppid(), "process": os.getpid(), "engines": list(started_pids()) or [os.getpid()],
        "started": started, "ended": time.time(),
    }  # fmt: skip
    workspace.store.write_json(f"runs/{workspace.run}/jobs/{runtime.flow_run.id}.json", record)
