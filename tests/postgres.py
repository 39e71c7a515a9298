"""A real Postgres of Debian's packages for the tests, on loopback, whose one user has a password."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.processes.ports import free_port

PASSWORD = "planted-database-password-7171"
USER, NAME = "restem", "prefect"


@dataclass(frozen=True)
class Postgres:
    """Where it listens; the address holds no password."""

    port: int

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self.port}/{NAME}"

    def ask(self, query: str) -> Any:
        """The one value that the query has."""
        return asyncio.run(self._ask(query))

    async def _ask(self, query: str) -> Any:
        import asyncpg

        connection = await asyncpg.connect(self.url.replace("+asyncpg", ""), password=PASSWORD)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A cluster of its own in a folder that its user can reach; both end with the block."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="restem-postgres-"))
    as_user: list[str] = []
    if os.getuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    server, port = None, free_port()
    try:
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        _run(
            [
                *as_user,
                str(programs / "initdb"),
                "-D",
                f"{folder}/data",
                "-U",
                USER,
                "-A",
                "scram-sha-256",
                f"--pwfile={folder}/password",
            ]
        )
        argv = [
            str(programs / "postgres"),
            "-D",
            f"{folder}/data",
            "-p",
            str(port),
            "-k",
            str(folder),
            "-c",
            "listen_addresses=127.0.0.1",
        ]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen([*as_user, *argv], stdout=log, stderr=log)
        _run([str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-t", "60"], tries=60)
        _run([str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", USER, NAME], PGPASSWORD=PASSWORD)
        yield Postgres(port)
    finally:
        if server is not None:
            subprocess.run(
                [*as_user, str(programs / "pg_ctl"), "-D", f"{folder}/data", "-m", "immediate", "stop"],
                capture_output=True,
                check=False,
            )
            server.wait(60)
        shutil.rmtree(folder)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no Postgres: apt-get install postgresql")
    return found[-1].parent


def _run(argv: list[str], tries: int = 1, **environment: str) -> None:
    for left in reversed(range(tries)):
        done = subprocess.run(argv, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        if not done.returncode:
            return
        if not left:
            pytest.fail(f"{argv[0]}: {done.stderr}")
