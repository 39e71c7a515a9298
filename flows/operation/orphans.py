"""Runs without a process and processes without a run: what a killed worker or a lost server leaves behind.

Every deployed run writes its host and process into its labels. On that host one can tell whether the process
still lives; runs of other hosts are left to the heartbeat automation.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled, Crashed, State

log = logging.getLogger("restem")

HOST, PROCESS = "restem.host", "restem.process"
FLOW_RUN_VARIABLE = "PREFECT__FLOW_RUN_ID"  # in the environment of a flow run's process and of all its children
SETTLE_S = 20.0  # a process may outlive its run's final state this long: it is still sending its last log lines


def label_this_process(flow_run_id: str) -> None:
    """Write down where this flow run's process is, for the janitor."""
    with suppress(Exception), get_client(sync_client=True) as client:  # a display of where, never a reason to fail
        client.update_flow_run_labels(UUID(flow_run_id), {HOST: platform.node(), PROCESS: _identity(psutil.Process())})


def crash_orphans(client: SyncPrefectClient) -> Iterator[str]:
    """Runs of this host whose process is gone become Crashed (Cancelled if that was on its way)."""
    for run in _unfinished(client):
        labels = run.labels or {}
        if labels.get(HOST) != platform.node() or _lives(str(labels.get(PROCESS, ""))):
            continue
        message = "The process of this run is gone; Retry goes on from what is stored."
        cancelling = run.state is not None and run.state.is_cancelling()
        state: State[Any] = Cancelled(message=message) if cancelling else Crashed(message=message)
        client.set_flow_run_state(run.id, state, force=True)
        yield run.name


def end_leftovers(client: SyncPrefectClient) -> Iterator[str]:
    """Processes of this user whose flow run is over are killed."""
    for process in _of_flow_runs():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and _is_over(client, process.environ()[FLOW_RUN_VARIABLE]):
                name = f"{process.pid} {' '.join(process.cmdline())[:80]}"
                process.kill()
                log.warning("ended a process whose flow run is over: %s", name)
                yield name


def _unfinished(client: SyncPrefectClient) -> list[FlowRun]:
    wanted = {"state": {"type": {"any_": [StateType.RUNNING, StateType.CANCELLING]}}}
    return client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted), limit=200)


def _identity(process: psutil.Process) -> str:
    """Process ids are used again; together with the start they are not."""
    return f"{process.pid}@{process.create_time():.2f}"


def _lives(identity: str) -> bool:
    pid, _, started = identity.partition("@")
    try:
        process = psutil.Process(int(pid))
        return f"{process.create_time():.2f}" == started and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False


def _of_flow_runs() -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if FLOW_RUN_VARIABLE in process.environ() and time.time() - process.create_time() > SETTLE_S:
                yield process


def _is_over(client: SyncPrefectClient, flow_run_id: str) -> bool:
    try:
        state = client.read_flow_run(UUID(flow_run_id)).state
    except Exception:  # noqa: BLE001  boundary: a run of another server is none of ours
        return False
    return state is not None and state.is_final() and time.time() - state.timestamp.timestamp() > SETTLE_S
