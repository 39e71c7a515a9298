"""Ends a cancelled or terminated flow at once, after its children.

Task threads cannot be interrupted, but the children that they wait for (engine, trainer) can be ended; the threads see that
and end too. If some still hang after a grace period, the process ends. Only work in flight is lost: stored artifacts are
complete.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.processes.guard import end_all

GRACE_S = 5.0  # for the state to be reported and parts in flight to be stored
TERMINATED = 143  # as a shell reports SIGTERM


@contextmanager
def ending_at_once() -> Iterator[None]:
    """End all children when the block is left by a signal (not by an error), and this process at most `GRACE_S` seconds later."""
    try:
        yield
    except Exception:
        raise
    except BaseException as signal:
        if _is_termination(signal):
            leave_in(GRACE_S)
        end_all(grace_s=1)
        raise


def leave_in(seconds: float, code: int = TERMINATED) -> None:
    """End this process with `code` after this many seconds, whatever its threads wait for."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


def _is_termination(signal: BaseException) -> bool:
    """Return whether this is Prefect's exception for SIGTERM, which nobody can have raised where its module was never imported."""
    exceptions = sys.modules.get("prefect.exceptions")
    return exceptions is not None and isinstance(signal, exceptions.TerminationSignal)
