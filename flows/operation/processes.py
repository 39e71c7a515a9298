"""Finds the process of a flow run on this machine.

Every deployed run writes its host and process into its labels. Before it has done so, also after a Retry, its process is
recognised by the environment that Prefect's worker gave it.
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
    """Label this flow run with its host and process, for the janitor."""
    with suppress(Exception), get_client(sync_client=True) as client:  # a display of where, never a reason to fail
        client.update_flow_run_labels(UUID(flow_run_id), {HOST: platform.node(), PROCESS: identity(psutil.Process())})


def has_process(run: Any) -> bool:
    """Return whether the flow run has a living process on this machine."""
    return lives(str((run.labels or {}).get(PROCESS, ""))) or bool(engines_of(run))


def engines_of(run: Any) -> list[psutil.Process]:
    """Return the living processes on this machine that run the flow itself, without what they started."""
    return [process for process in of_flow_runs() if _run_of(process) == str(run.id) and _is_engine(process)]


def is_being_started(run: Any) -> bool:
    """Return whether any process on this machine works for the flow run, including one that prepares its start."""
    return any(_run_of(process) == str(run.id) for process in of_flow_runs())


def is_ours(run: Any) -> bool:
    """Return whether the flow run's labels name this machine."""
    return (run.labels or {}).get(HOST) == platform.node()


def identity(process: psutil.Process) -> str:
    """Return the process id with its start time: an id alone is used again by later processes, the pair is not."""
    return f"{process.pid}@{process.create_time():.2f}"


def lives(name: str) -> bool:
    """Return whether the process of that `identity` still runs."""
    pid, _, started = name.partition("@")
    try:
        process = psutil.Process(int(pid))
        return f"{process.create_time():.2f}" == started and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False


def of_flow_runs() -> Iterator[psutil.Process]:
    """Return this user's living processes that belong to some flow run."""
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
