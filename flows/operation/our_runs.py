"""Our flow runs on a server that other projects may use too: which they are, who took them, and changes of state that overwrite nobody's.

Between what was read of a run and what is set on it, its worker, a person or another sweep may have changed it. Prefect's server sets
no state on the condition that another one is still there. So whoever ends a run reads it again first, and the server's own rules keep what has ended;
whoever starts a run again claims it, as workers do, and then looks in the run's history at what the claim has replaced.
"""

from __future__ import annotations

import platform
from contextlib import suppress
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import PrefectException
from prefect.states import Pending, State

from flows.operation.processes import HOST

OURS = "restem"  # the tag of every run of prefect.yaml's deployments, and of the command line's
TAKER = "prefect.worker.name"  # the label that a worker gives a run which it takes, before it starts it
UNSEEN_ELSEWHERE_S = 1800.0  # where another machine may be starting it: its interpreter, its checkout, its image
CLAIM = "Claimed"  # the server lets a pending run be renamed, but by one of several with this name, and no run that has begun


def unfinished(client: SyncPrefectClient) -> list[FlowRun]:
    """Return our runs that are not over: those with our tag, and those that have our labels alone."""
    states = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
    anybodys = FlowRunFilter.model_validate({"state": {"type": {"any_": list(states)}}})
    found = [
        *client.read_flow_runs(flow_run_filter=of_ours(*states), limit=200),
        *(run for run in client.read_flow_runs(flow_run_filter=anybodys, limit=200) if has_our_mark(run)),
    ]
    return list({run.id: run for run in found}.values())


def has_our_mark(run: FlowRun) -> bool:
    return OURS in run.tags or HOST in (run.labels or {})


def of_ours(*states: StateType) -> FlowRunFilter:
    """Select runs of our deployments in these states."""
    return FlowRunFilter.model_validate({"state": {"type": {"any_": list(states)}}, "tags": {"all_": [OURS]}})


def patience(client: SyncPrefectClient, run: FlowRun, unseen_s: float) -> float:
    """Return how long a run may wait for a process that this machine does not see: long only where another machine may be starting it."""
    if run.work_pool_name is None:
        return UNSEEN_ELSEWHERE_S
    try:
        workers = client.read_workers_for_work_pool(run.work_pool_name)
    except PrefectException:  # the pool was removed
        return unseen_s
    here, taker = platform.node(), (run.labels or {}).get(TAKER)
    elsewhere = {one.name for one in workers if one.status == "ONLINE" and not one.name.startswith(f"{here}-")}
    return UNSEEN_ELSEWHERE_S if taker in elsewhere or (taker is None and elsewhere) else unseen_s


def set_unless_changed(client: SyncPrefectClient, run: FlowRun, state: State[Any]) -> bool:
    """Set the state unless the run has another one than the one that was read, and return whether that was done."""
    with suppress(PrefectException):  # it was deleted meanwhile
        return client.read_flow_run(run.id).state_id == run.state_id and _accepted(client, run, state)
    return False


def set_once_claimed(client: SyncPrefectClient, run: FlowRun, state: State[Any]) -> bool:
    """Claim the run as a worker does and set the state, and return whether that was done; nobody else starts a run that is claimed."""
    return _claimed(client, run) and _accepted(client, run, state)


def _claimed(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Take the run out of the state that was read of it, and return whether that worked.

    What came between is left, or put back: another worker's Pending, which leads to its process; an end; a new schedule.
    """
    if client.read_flow_run(run.id).state_id != run.state_id or not _accepted(client, run, Pending(name=CLAIM)):
        return False
    states = sorted(client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
    at = max(number for number, state in enumerate(states) if state.name == CLAIM)
    replaced = states[at - 1]
    if replaced.id == run.state_id:
        return True
    if not replaced.is_pending():
        _accepted(client, run, replaced)
    return False


def _accepted(client: SyncPrefectClient, run: FlowRun, state: State[Any]) -> bool:
    """Propose the state to the server's rules, and return whether they took it."""
    return client.set_flow_run_state(run.id, state).status == SetStateStatus.ACCEPT
