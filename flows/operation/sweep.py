"""One look over our runs: what has not begun goes back to its pool, what has no process is ended, its tasks too, and the device is free of both."""

from __future__ import annotations

import logging

from prefect.client.orchestration import SyncPrefectClient

from flows.operation.device import free_of_nobody, free_of_the_dead
from flows.operation.orphans import UNSEEN_S, crash_orphans, end_cancelled, end_left_tasks
from flows.operation.unbegun import begin_again

log = logging.getLogger("restem")


def sweep(client: SyncPrefectClient, unseen_s: float = UNSEEN_S) -> tuple[str, ...]:
    """End runs without a process, free the device slots that they hold, and return the names of the runs. Runs that had not begun when
    their process ended are scheduled anew."""
    if again := list(begin_again(client)):
        log.warning("had not begun when their process ended, and scheduled anew: %s", ", ".join(again))
    ended = (*end_cancelled(client), *crash_orphans(client, unseen_s))
    freed = list(free_of_the_dead(client))
    if freed or free_of_nobody(client):
        log.warning("the device was given back for runs that are gone: %s", ", ".join(freed) or "none that is known")
    if left := list(end_left_tasks(client)):
        log.warning("tasks whose process is gone: %s", ", ".join(left))
    return ended
