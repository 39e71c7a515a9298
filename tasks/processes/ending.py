"""A flow that is cancelled or terminated ends at once, and its children before it.

Task threads cannot be interrupted; what they wait for can. So the children (engine, trainer) are ended, the threads see
that and end too; whatever still hangs after a grace is left by ending the process. That loses nothing but work in
flight: what is stored is whole.
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
    """When the block is left by a signal (not by an error), all children end now and this process at most `GRACE_S` later."""
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
    """End this process with `code` after so many seconds, whatever its threads wait for."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


def _is_termination(signal: BaseException) -> bool:
    """Prefect's word for SIGTERM. Where its module was never imported, nobody can have raised it."""
    exceptions = sys.modules.get("prefect.exceptions")
    return exceptions is not None and isinstance(signal, exceptions.TerminationSignal)
