"""Begins runs again that ended before they had begun, as a killed worker or a lost server leaves them.

A run that a worker took and did not start (Pending, Submitting) goes back to its pool as soon as that worker is known to have ended, and so does one
whose process ended before the run had begun: it asks the server once, and ends where that is away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectException
from prefect.states import Scheduled

from flows.operation.our_runs import (
    TAKER,
    UNSEEN_ELSEWHERE_S,
    of_ours,
    patience,
    set_once_claimed,
    unfinished,
)
from flows.operation.processes import is_being_started

HANDED_BACK, MOST_HANDED_BACK = "restem.handed-back", 3  # a run whose start ends its worker is not tried for ever
AGAIN = "The worker that took this run ended before it had started it; the next worker takes it."
EXITED = "exited with non-zero status code"  # a worker's word on a run whose process ended without one of its own
NOT_BEGUN = (
    "The process of this run ended before the run had begun, as it does without a server; a worker starts it again."
)
BEGUN_S = 30.0  # a Retry whose state the first worker's late word overwrote is Running by then
LATELY_S = 3900.0 + UNSEEN_ELSEWHERE_S  # one round of the hourly janitor
INTERNAL = "internal"  # the tag of jobs; the run that sends a job sends it again itself


def hand_back(client: SyncPrefectClient, worker: str, before: float) -> Iterator[str]:
    """Schedule anew what the worker of that name took `before` (seconds since 1970), when it ended, and never started."""
    for run in unfinished(client):
        if _taken(run, worker, before):
            yield from _scheduled_anew(client, run, AGAIN)


def begin_again(client: SyncPrefectClient) -> Iterator[str]:
    """Schedule anew what crashed lately because its process ended before the run had begun."""
    found = client.read_flow_runs(flow_run_filter=of_ours(StateType.CRASHED), sort=FlowRunSort.END_TIME_DESC, limit=50)
    for run in found:
        if _ended_unbegun(client, run):
            yield from _scheduled_anew(client, run, NOT_BEGUN)


def _scheduled_anew(client: SyncPrefectClient, run: FlowRun, why: str) -> Iterator[str]:
    """Give the run to the next worker, unless that was done often enough, and yield its name."""
    times = int((run.labels or {}).get(HANDED_BACK, 0))
    if times >= MOST_HANDED_BACK or is_being_started(run):
        return
    with suppress(PrefectException):  # it was deleted meanwhile; the others are looked at all the same
        client.update_flow_run_labels(run.id, {HANDED_BACK: times + 1})
        if set_once_claimed(client, run, Scheduled(message=why)):
            yield run.name


def _taken(run: FlowRun, worker: str, before: float) -> bool:
    """Return whether the run is pending since then and that worker has it."""
    taken_by_it = (run.labels or {}).get(TAKER) == worker
    return taken_by_it and run.state is not None and run.state.is_pending() and run.state.timestamp.timestamp() < before


def _ended_unbegun(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Return whether a worker saw the run's process end lately, the run was not running before that, and nobody else may be starting it."""
    state = run.state
    if state is None or EXITED not in (state.message or "") or run.deployment_id is None or INTERNAL in run.tags:
        return False
    ago = time.time() - state.timestamp.timestamp()
    if not BEGUN_S <= ago < LATELY_S or ago < patience(client, run, BEGUN_S):
        return False
    states = sorted(client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
    return len(states) > 1 and (states[-2].is_pending() or states[-2].is_scheduled())
