"""The Postgres database of a Prefect server (`restem up --database`); without one the server keeps SQLite in its folder.

Its password is in no argument, record or log, and in no environment that /proc shows: `restem up` hands it to its keeper, and the
keeper to each server that it starts, through a pipe that is empty afterwards. The server's driver takes it from PGPASSWORD, which
the server sets for itself, or from a password file (PGPASSFILE, else ~/.pgpass).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from tasks.domain.errors import UserError, one_sentence
from tasks.report.text import without_password

SCHEME = "postgresql+asyncpg"
URL_VARIABLE, PASSWORD_VARIABLE = "PREFECT_API_DATABASE_CONNECTION_URL", "PGPASSWORD"
PIPE_VARIABLE = "RESTEM_DATABASE_PASSWORD_FD"  # the descriptor from which a server takes its password
CONNECT_TIMEOUT_S = 15.0
WHERE = "set PGPASSWORD, or name a password file in PGPASSFILE (default ~/.pgpass)"


def check_database(url: str) -> None:
    """UserError unless the address is of Postgres, holds no password, and can be connected to."""
    parts = urlsplit(url)
    shown = without_password(url)
    if parts.scheme != SCHEME or not parts.path.strip("/"):
        raise UserError(f"--database {shown!r} is no address of Postgres; write {SCHEME}://USER@HOST:PORT/NAME")
    if parts.password is not None or "password" in parse_qs(parts.query):
        raise UserError(f"--database holds a password, which every list of processes shows; leave it out and {WHERE}")
    if reason := asyncio.run(_refusal(url)):
        raise UserError(f"the database {shown} cannot be used: {reason}; start it, correct the address, or {WHERE}")


async def _refusal(url: str) -> str:
    """Return why the driver that the server uses cannot connect, empty where it can."""
    import asyncpg

    try:
        connection = await asyncpg.connect(url.replace("+asyncpg", "", 1), timeout=CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return one_sentence(error) or type(error).__name__
    await connection.close()
    return ""


@contextmanager
def password_pipe(password: str) -> Iterator[int]:
    """Yield a descriptor from which one child may read the password; it is closed here when the block ends."""
    descriptor, writing = os.pipe()
    try:
        with os.fdopen(writing, "w") as stream:
            stream.write(password)
        yield descriptor
    finally:
        os.close(descriptor)


def take_password() -> None:
    """Set PGPASSWORD to what the pipe holds; /proc goes on showing the environment with which this process was started."""
    if descriptor := os.environ.pop(PIPE_VARIABLE, ""):
        with os.fdopen(int(descriptor)) as stream:
            password = stream.read()
        if password:
            os.environ[PASSWORD_VARIABLE] = password
