"""A Prefect server with some faults of version 3.7.7 mended; it is started by `uvicorn --factory flows.operation.server.sqlite_server:create_app`.

Newer versions need a newer FastAPI than vLLM 0.32 allows (>= 0.139 against < 0.137). On Postgres all mends hold
but the first, which concerns SQLite's lock alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from flows.operation.server.database import take_password

log = logging.getLogger("restem")
_reloads: set[asyncio.Task[Any]] = set()  # a loop holds its tasks weakly


def create_app() -> Any:
    """Return Prefect's own application, mended."""
    take_password()
    writers_wait()
    automations_reload_beside_the_loop()
    from prefect.server.api.server import create_app as prefect_app

    from flows.operation.server.interface import mend_interface

    made = prefect_app(final=True)
    mend_interface()
    edges_once()
    return made


def writers_wait() -> None:
    """Make transactions take SQLite's write lock when they begin; others then wait for it.

    Prefect 3.7.7 begins them DEFERRED. One that reads before it writes then fails at once with "database is locked"
    whenever another one wrote in between, however long the busy timeout is (https://github.com/PrefectHQ/prefect/issues/23051):
    workers that merely poll fill the log, and under a run events of automations are dropped, failure notices among them.
    Newer versions begin some of them IMMEDIATE. Here all of them do: SQLite has one writer at a time anyway.
    """
    from prefect.server.database.configurations import AioSqliteConfiguration

    begin = AioSqliteConfiguration.begin_transaction

    def begin_with_lock(self: Any, session: Any, with_for_update: bool = False) -> AbstractAsyncContextManager[Any]:
        del with_for_update
        return begin(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = begin_with_lock  # type: ignore[method-assign,assignment]


def automations_reload_beside_the_loop() -> None:
    """Let a commit that changes an automation finish at once; the server reloads its automations when their lock is free.

    Prefect 3.7.7 reloads them inside the commit, on the thread of the event loop, and waits there. If another coroutine
    of that loop holds the lock (it reconciles automations), neither ever goes on and the server answers nothing any more,
    /health included. Prefect 3.9.0 schedules the reload as a task; so does this.
    """
    from prefect.server.events.models import automations

    wait_for = automations.run_coro_as_sync

    def reload(change: Coroutine[Any, Any, None]) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            wait_for(change)
            return
        task = loop.create_task(change)
        _reloads.add(task)
        task.add_done_callback(_reloaded)

    automations.run_coro_as_sync = reload  # type: ignore[assignment]


def edges_once() -> None:
    """Give the graph of a run each edge once, because Prefect 3.7.7 repeats an edge for every parent that its parent has."""
    from prefect.server.api import flow_runs

    graph_of: Any = flow_runs.read_flow_run_graph

    async def with_edges_once(*arguments: Any, **named: Any) -> Any:
        graph = await graph_of(*arguments, **named)
        for _, node in graph.nodes:
            node.parents = list({edge.id: edge for edge in node.parents}.values())
            node.children = list({edge.id: edge for edge in node.children}.values())
        return graph

    flow_runs.read_flow_run_graph = with_edges_once


def _reloaded(task: asyncio.Task[Any]) -> None:
    _reloads.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.warning("an automation could not be loaded; the next reconciliation does it: %s", error)
