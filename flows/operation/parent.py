"""Ends a flow run at once when its worker was killed, after its children."""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable

from tasks.processes.ending import GRACE_S, leave_in
from tasks.processes.guard import end_all

logger = logging.getLogger("restem")

ORPHANED = 137  # as a shell reports SIGKILL


def watch_parent(report: Callable[[], None]) -> None:
    """When the process that started this one ends (a worker killed by `kill -9`), `report`, end all children, and leave."""
    parent = os.getppid()
    if parent <= 1:  # a container: its first process never ends before us
        return
    try:
        descriptor = os.pidfd_open(parent)
    except OSError:
        return
    threading.Thread(target=_wait_for_end, args=(descriptor, report), name="watch-parent", daemon=True).start()


def _wait_for_end(descriptor: int, report: Callable[[], None]) -> None:
    select.select([descriptor], [], [])
    leave_in(GRACE_S, ORPHANED)
    end_all(grace_s=0)
    try:
        report()
        # last: the worker read our output, and Prefect's console answers a broken pipe with SystemExit
        logger.error("the worker that started this flow run is gone; ending")
    finally:
        os._exit(ORPHANED)
