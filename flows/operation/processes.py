"""Which process a flow run has on this machine.

Every deployed run writes its host and process into its labels. Until it has done so, and after a Retry until it has done so
again, its process is known by the environment that Prefect's worker gave it.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import psutil
from prefect.client.orchestration import get_client

HOST, PROCESS = "restem.host", "restem.process"
FLOW_RUN_VARIABLE = "PREFECT__FLOW_RUN_ID"  # in the environment of a flow run's process and of all its children
ENGINES = ("prefect.engine", "prefect.flow_engine", "flow-run execute")  # how workers start a flow run


def label_this_process(flow_run_id: str) -> None:
    """Write down where this flow run's process is, for the janitor."""
    with suppress(Exception), get_client(sync_client=True) as client:  # a display of where, never a reason to fail
        client.update_flow_run_labels(UUID(flow_run_id), {HOST: platform.node(), PROCESS: identity(psutil.Process())})


def has_process(run: Any) -> bool:
    """Whether the flow run has a living process on this machine."""
    return lives(str((run.labels or {}).get(PROCESS, ""))) or any(
        _is_engine(process) for process in of_flow_runs() if _run_of(process) == str(run.id)
    )


def is_being_started(run: Any) -> bool:
    """Whether anything on this machine works for the flow run, also what prepares its process."""
    return any(_run_of(process) == str(run.id) for process in of_flow_runs())


def is_ours(run: Any) -> bool:
    """Whether the flow run says that this machine is where it runs."""
    return (run.labels or {}).get(HOST) == platform.node()


def identity(process: psutil.Process) -> str:
    """Process ids are used again; together with the start they are not."""
    return f"{process.pid}@{process.create_time():.2f}"


def lives(name: str) -> bool:
    """Whether the process of that `identity` still runs."""
    pid, _, started = name.partition("@")
    try:
        process = psutil.Process(int(pid))
        return f"{process.create_time():.2f}" == started and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False


def of_flow_runs() -> Iterator[psutil.Process]:
    """Living processes of this user that belong to some flow run."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if _run_of(process) and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _run_of(process: psutil.Process) -> str:
    try:
        return str(process.environ().get(FLOW_RUN_VARIABLE, ""))
    except (psutil.Error, OSError):
        return ""


def _is_engine(process: psutil.Process) -> bool:
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return any(name in command for name in ENGINES)
