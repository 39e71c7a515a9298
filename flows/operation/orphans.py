"""Ends runs without a process and processes without a run, as a killed worker, a lost server or `restem down` leaves them.

A run whose labels name a host is judged on that host. A run that has not started (Pending, Submitting, or Cancelling before it
ever ran) goes back to its pool as soon as the worker that took it is known to have ended, and so does one whose process ended before the run
had begun: it asks the server once, and ends where that is away. Otherwise any host that sees it ends it, once
it has been in that state for longer than a worker needs to start it. Runs that work on other hosts are left to the heartbeat automation,
and runs without our tag or labels to whoever else uses the server.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectException
from prefect.states import Cancelled, Crashed, Pending, Scheduled, State

from flows.operation.device import free_of_nobody, free_of_the_dead
from flows.operation.processes import (
    FLOW_RUN_VARIABLE,
    HOST,
    engines_of,
    has_process,
    is_being_started,
    is_ours,
    of_flow_runs,
)

log = logging.getLogger("restem")

SETTLE_S = 20.0  # a process may outlive its run's final state this long: it is still sending its last log lines
UNSEEN_S = 180.0  # from Submitting to a process, where only workers of this machine take runs of the pool
UNSEEN_ELSEWHERE_S = 1800.0  # where another machine may be starting it: its interpreter, its checkout, its image
GONE = "The process of this run is gone; Retry goes on from what is stored."
UNSEEN = "No worker started this run after it was taken; Retry starts it."
TAKER = "prefect.worker.name"  # the label that a worker gives a run which it takes, before it starts it
HANDED_BACK, MOST_HANDED_BACK = "restem.handed-back", 3  # a run whose start ends its worker is not tried for ever
AGAIN = "The worker that took this run ended before it had started it; the next worker takes it."
EXITED = "exited with non-zero status code"  # a worker's word on a run whose process ended without one of its own
NOT_BEGUN = (
    "The process of this run ended before the run had begun, as it does without a server; a worker starts it again."
)
BEGUN_S = 30.0  # a Retry whose state the first worker's late word overwrote is Running by then
LATELY_S = 3900.0 + UNSEEN_ELSEWHERE_S  # one round of the hourly janitor
CANCEL_S, TERM_S = 30.0, 15.0  # a worker that hears of a cancelling ends the run within seconds
ENDED_HERE = (
    "Cancelled; its worker did not hear of it, as after a server that was away, so its process was ended for it."
)
OURS = "restem"  # the tag of every run of prefect.yaml's deployments
INTERNAL = "internal"  # the tag of jobs; the run that sends a job sends it again itself


def sweep(client: SyncPrefectClient, unseen_s: float = UNSEEN_S) -> tuple[str, ...]:
    """End runs without a process, free the device slots that they hold, and return the names of the runs. Runs that had not begun when
    their process ended are scheduled anew."""
    if again := list(begin_again(client)):
        log.warning("had not begun when their process ended, and scheduled anew: %s", ", ".join(again))
    ended = (*end_cancelled(client), *crash_orphans(client, unseen_s))
    freed = list(free_of_the_dead(client))
    if freed or free_of_nobody(client):
        log.warning("the device was given back for runs that are gone: %s", ", ".join(freed) or "none that is known")
    return ended


def end_cancelled(client: SyncPrefectClient) -> Iterator[str]:
    """End runs of this machine whose worker does not. Prefect 3.7's worker stops to listen when its server was away for a while."""
    for run in _unfinished(client):
        state = run.state
        if state is None or not state.is_cancelling() or time.time() - state.timestamp.timestamp() < CANCEL_S:
            continue
        if processes := engines_of(run):
            _end(processes)
            client.set_flow_run_state(run.id, Cancelled(message=ENDED_HERE), force=True)
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
    for run in _unfinished(client):
        if run.state is None or not (message := _lost(client, run, run.state, unseen_s)):
            continue
        ended: State[Any] = Cancelled(message=message) if run.state.is_cancelling() else Crashed(message=message)
        client.set_flow_run_state(run.id, ended, force=True)
        yield run.name


def hand_back(client: SyncPrefectClient, worker: str, before: float) -> Iterator[str]:
    """Schedule anew what the worker of that name took `before` (seconds since 1970), when it ended, and never started."""
    for run in _unfinished(client):
        if _taken(run, worker, before):
            yield from _scheduled_anew(client, run, AGAIN, lambda found: _taken(found, worker, before))


def begin_again(client: SyncPrefectClient) -> Iterator[str]:
    """Schedule anew what crashed lately because its process ended before the run had begun."""
    found = client.read_flow_runs(flow_run_filter=_ours(StateType.CRASHED), sort=FlowRunSort.END_TIME_DESC, limit=50)
    for run in found:
        if _ended_unbegun(client, run):
            yield from _scheduled_anew(client, run, NOT_BEGUN, partial(_claimed, client, run))


def _scheduled_anew(
    client: SyncPrefectClient, run: FlowRun, why: str, still: Callable[[FlowRun], bool]
) -> Iterator[str]:
    """Give the run to the next worker, unless that was done often enough, and yield its name."""
    times = int((run.labels or {}).get(HANDED_BACK, 0))
    if times >= MOST_HANDED_BACK or is_being_started(run):
        return
    with suppress(PrefectException):  # it was deleted meanwhile; the others are looked at all the same
        client.update_flow_run_labels(run.id, {HANDED_BACK: times + 1})
        if still(client.read_flow_run(run.id)):  # nobody has changed or taken it since it was listed
            client.set_flow_run_state(run.id, Scheduled(message=why), force=True)
            yield run.name


def _ended_unbegun(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Return whether a worker saw the run's process end lately, the run was not running before that, and nobody else may be starting it."""
    state = run.state
    if state is None or EXITED not in (state.message or "") or run.deployment_id is None or INTERNAL in run.tags:
        return False
    ago = time.time() - state.timestamp.timestamp()
    if not BEGUN_S <= ago < LATELY_S or ago < _patience(client, run, BEGUN_S):
        return False
    states = sorted(client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
    return len(states) > 1 and (states[-2].is_pending() or states[-2].is_scheduled())


def _claimed(client: SyncPrefectClient, run: FlowRun, now: FlowRun) -> bool:
    """Take the run as a worker takes it, and return whether it is ours: the server refuses that once anybody else has taken it."""
    unchanged = now.state_id == run.state_id
    return unchanged and client.set_flow_run_state(run.id, Pending()).status == SetStateStatus.ACCEPT


def _taken(run: FlowRun, worker: str, before: float) -> bool:
    """Return whether the run is pending since then and that worker has it."""
    taken_by_it = (run.labels or {}).get(TAKER) == worker
    return taken_by_it and run.state is not None and run.state.is_pending() and run.state.timestamp.timestamp() < before


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
    return UNSEEN if run.deployment_id and waited > _patience(client, run, unseen_s) else ""


def _patience(client: SyncPrefectClient, run: FlowRun, unseen_s: float) -> float:
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


def _unfinished(client: SyncPrefectClient) -> list[FlowRun]:
    """Return our runs that are not over: those with our tag, and those of the command line, which have our labels alone."""
    states = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
    anybodys = FlowRunFilter.model_validate({"state": {"type": {"any_": list(states)}}})
    found = [
        *client.read_flow_runs(flow_run_filter=_ours(*states), limit=200),
        *(run for run in client.read_flow_runs(flow_run_filter=anybodys, limit=200) if _has_our_mark(run)),
    ]
    return list({run.id: run for run in found}.values())


def _has_our_mark(run: FlowRun) -> bool:
    return OURS in run.tags or HOST in (run.labels or {})


def _ours(*states: StateType) -> FlowRunFilter:
    """Select runs of our deployments in these states; a server may be shared with other projects."""
    return FlowRunFilter.model_validate({"state": {"type": {"any_": list(states)}}, "tags": {"all_": [OURS]}})


def _is_over(client: SyncPrefectClient, flow_run_id: str) -> bool:
    try:
        run = client.read_flow_run(UUID(flow_run_id))
    except Exception:  # noqa: BLE001  boundary: a run of another server is none of ours
        return False
    state = run.state
    over = state is not None and state.is_final() and time.time() - state.timestamp.timestamp() > SETTLE_S
    return over and _has_our_mark(run)
