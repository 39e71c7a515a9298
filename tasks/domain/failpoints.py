"""Named points at which a test can make this process really fail.

`RESTEM_FAILPOINTS="generate.flushed:2=kill,verify.start:1=fail"` kills the process (SIGKILL) at the second time
`generate.flushed` is reached and raises an InfrastructureError the first time `verify.start` is. A count may be a span,
`verify.start:1-2=fail`; `hang` stays there until the process ends. With RESTEM_FAILPOINTS_ONCE=FILE only the first failure
happens, and FILE is made then. Without the variable a failpoint costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter

from tasks.domain.errors import InfrastructureError

_reached: Counter[str] = Counter()
_lock = threading.Lock()


def failpoint(name: str) -> None:
    """Fail here if RESTEM_FAILPOINTS says so for this visit of `name`."""
    plan, once = os.environ.get("RESTEM_FAILPOINTS"), os.environ.get("RESTEM_FAILPOINTS_ONCE")
    if not plan or (once and os.path.exists(once)):
        return
    with _lock:
        _reached[name] += 1
        visit = _reached[name]
    for entry in plan.split(","):
        where, _, action = entry.partition("=")
        point, _, span = where.partition(":")
        first, _, last = span.partition("-")
        if point == name and int(first) <= visit <= int(last or first):
            if once:
                open(once, "w").close()
            _act(action, name, visit)


def _act(action: str, name: str, visit: int) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    while action == "hang":
        time.sleep(1)
    raise InfrastructureError(f"failpoint {name} made visit {visit} fail")
