"""A flow that is cancelled, terminated or orphaned ends at once, and its children before it.

Task threads cannot be interrupted; what they wait for can. So the children (engine, trainer) are ended, the threads see
that and end too; whatever still hangs after a grace is left by ending the process. That loses nothing but work in
flight: what is stored is whole.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prefect.exceptions import TerminationSignal

from tasks.processes.guard import end_all

logger = logging.getLogger("restem")

GRACE_S = 5.0  # for the state to be reported and parts in flight to be stored
TERMINATED, ORPHANED = 143, 137  # as a shell reports SIGTERM and SIGKILL


@contextmanager
def ending_at_once() -> Iterator[None]:
    """When the block is left by a signal (not by an error), all children end now and this process at most `GRACE_S` later."""
    try:
        yield
    except Exception:
        raise
    except BaseException as signal:
        if isinstance(signal, TerminationSignal):
            _leave_in(GRACE_S)
        end_all(grace_s=1)
        raise


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
    _leave_in(GRACE_S, ORPHANED)
    end_all(grace_s=0)
    try:
        report()
        # last: the worker read our output, and Prefect's console answers a broken pipe with SystemExit
        logger.error("the worker that started this flow run is gone; ending")
    finally:
        os._exit(ORPHANED)


def _leave_in(seconds: float, code: int = TERMINATED) -> None:
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
