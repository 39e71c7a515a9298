"""A Prefect server whose SQLite transactions wait for each other; `uvicorn --factory flows.operation.sqlite_server:create_app`.

Prefect 3.7.7 begins its transactions DEFERRED. One that reads before it writes then fails at once with "database is
locked" whenever another one wrote in between, however long the busy timeout is
(https://github.com/PrefectHQ/prefect/issues/23051): workers that merely poll fill the log, and under a run events of
automations are dropped, failure notices among them. Newer versions begin some of them IMMEDIATE, but want a newer
FastAPI than vLLM allows. Here all of them do: SQLite has one writer at a time anyway.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any


def create_app() -> Any:
    """Prefect's own application."""
    writers_wait()
    from prefect.server.api.server import create_app as prefect_app

    return prefect_app(final=True)


def writers_wait() -> None:
    """Let transactions take SQLite's write lock when they begin, for which others wait; Postgres is left as it is."""
    from prefect.server.database.configurations import AioSqliteConfiguration

    begin = AioSqliteConfiguration.begin_transaction

    def begin_with_lock(self: Any, session: Any, with_for_update: bool = False) -> AbstractAsyncContextManager[Any]:
        del with_for_update
        return begin(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = begin_with_lock  # type: ignore[method-assign,assignment]
