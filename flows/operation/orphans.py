"""Ends runs and tasks without a process and processes without a run, as a killed worker, a lost server or `restem down` leaves them.

A run whose labels name a host is judged on that host. A run that has not started (Pending, Submitting, or Cancelling before it
ever ran) is ended by any host that sees it, once it has been in that state for longer than a worker needs to start it (unbegun.py gives it
back before that, where its worker is known to have ended). Runs that work on other hosts are left to the heartbeat automation,
and runs without our tag or labels to whoever else uses the server.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter
from prefect.client.schemas.objects import FlowRun, StateType, TaskRun
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed, State

from flows.operation.our_runs import OURS, has_our_mark, patience, set_unless_changed, unfinished
from flows.operation.processes import (
    FLOW_RUN_VARIABLE,
    engines_of,
    has_process,
    is_being_started,
    is_ours,
    of_flow_runs,
)

log = logging.getLogger("restem")

SETTLE_S = 20.0  # a process may outlive its run's final state this long: it is still sending its last log lines
UNSEEN_S = 180.0  # from Submitting to a process, where only workers of this machine take runs of the pool
GONE = "The process of this run is gone; Retry goes on from what is stored."
UNSEEN = "No worker started this run after it was taken; Retry starts it."
RECORDED_S = 60.0  # after its run's end the server may still be recording how a task ended
LEFT = "The process of this task is gone; the next attempt of the run makes it again or finds it stored."
UNDER_WAY = (StateType.PENDING, StateType.RUNNING)
CANCEL_S, TERM_S = 30.0, 15.0  # a worker that hears of a cancelling ends the run within seconds
ENDED_HERE = (
    "Cancelled; its worker did not hear of it, as after a server that was away, so its process was ended for it."
)


def end_cancelled(client: SyncPrefectClient) -> Iterator[str]:
    """End runs of this machine whose worker does not. Prefect 3.7's worker stops to listen when its server was away for a while."""
    for run in unfinished(client):
        state = run.state
        if state is None or not state.is_cancelling() or time.time() - state.timestamp.timestamp() < CANCEL_S:
            continue
        if processes := engines_of(run):
            _end(processes)
            if set_unless_changed(client, run, Cancelled(message=ENDED_HERE)):
                yield run.name


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(processes, TERM_S)[1]:
        with suppress(psutil.Error):
            process.kill()


def crash_orphans(client: SyncPrefectClient, unseen_s: float = UNSEEN_S) -> Iterator[str]:
    """Mark runs whose process is gone, or did not appear within `unseen_s` seconds, as Crashed (or Cancelled, if they were Cancelling)."""
    for run in unfinished(client):
        if run.state is None or not (message := _lost(client, run, run.state, unseen_s)):
            continue
        ended: State[Any] = Cancelled(message=message) if run.state.is_cancelling() else Crashed(message=message)
        if set_unless_changed(client, run, ended):
            yield run.name


def end_leftovers(client: SyncPrefectClient) -> Iterator[str]:
    """Kill processes of this user whose flow run is over."""
    for process in of_flow_runs():
        with suppress(psutil.Error):
            settled = time.time() - process.create_time() > SETTLE_S
            if settled and process.pid != os.getpid() and _is_over(client, process.environ()[FLOW_RUN_VARIABLE]):
                name = f"{process.pid} {' '.join(process.cmdline())[:80]}"
                process.kill()
                log.warning("ended a process whose flow run is over: %s", name)
                yield name


def _lost(client: SyncPrefectClient, run: FlowRun, state: State[Any], unseen_s: float) -> str:
    """Return why nobody works on this run any more; empty while somebody does or may."""
    if has_process(run):
        return ""
    if state.is_running():  # one that has not said yet where it runs sends heartbeats, and is missed when they stop
        return GONE if is_ours(run) else ""
    if state.is_cancelling() and is_ours(run):
        return GONE
    if is_being_started(run):
        return ""
    waited = time.time() - state.timestamp.timestamp()
    return UNSEEN if run.deployment_id and waited > patience(client, run, unseen_s) else ""


def _is_over(client: SyncPrefectClient, flow_run_id: str) -> bool:
    try:
        run = client.read_flow_run(UUID(flow_run_id))
    except Exception:  # noqa: BLE001  boundary: a run of another server is none of ours
        return False
    state = run.state
    over = state is not None and state.is_final() and time.time() - state.timestamp.timestamp() > SETTLE_S
    return over and has_our_mark(run)


def end_left_tasks(client: SyncPrefectClient, recorded_s: float = RECORDED_S) -> Iterator[str]:
    """Mark task runs as Crashed whose run is over, or works in a later attempt, and yield their names: the page would draw them as running for ever."""
    under_way = TaskRunFilter.model_validate({"state": {"type": {"any_": list(UNDER_WAY)}, "name": None}})
    ours = FlowRunFilter.model_validate({"tags": {"all_": [OURS]}})
    runs: dict[UUID, FlowRun | None] = {}
    for task in client.read_task_runs(flow_run_filter=ours, task_run_filter=under_way, limit=200):
        if task.flow_run_id is None:
            continue
        if task.flow_run_id not in runs:
            runs[task.flow_run_id] = _read(client, task.flow_run_id)
        if _is_left(task, runs[task.flow_run_id], recorded_s) and _marked(client, task):
            yield task.name


def _read(client: SyncPrefectClient, flow_run: UUID) -> FlowRun | None:
    with suppress(ObjectNotFound):
        return client.read_flow_run(flow_run)
    return None


def _is_left(task: TaskRun, run: FlowRun | None, recorded_s: float) -> bool:
    if run is None or run.state is None:
        return False
    if run.state.is_final():
        return time.time() - run.state.timestamp.timestamp() > recorded_s
    return 0 < task.flow_run_run_count < run.run_count


def _marked(client: SyncPrefectClient, task: TaskRun) -> bool:
    with suppress(ObjectNotFound):  # it was deleted meanwhile
        return client.set_task_run_state(task.id, Crashed(message=LEFT), force=True).status == SetStateStatus.ACCEPT
    return False
