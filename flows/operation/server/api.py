"""A Prefect API for one command: the configured server, else one of our own that cannot outlive this process.

Prefect's temporary server is a plain child: after `kill -9` of the flow it lives on. Ours runs under the guard.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.domain.errors import InfrastructureError, UserError
from tasks.processes.guard import GuardedProcess, spawn
from tasks.processes.ports import free_port

DRAIN_TIMEOUT_S = 10.0
START_TIMEOUT_S = 300.0  # 4 s on an idle machine, 20 s on one with a load of 6
SERVER = (
    "-m",
    "uvicorn",
    "--factory",
    "flows.operation.server.sqlite_server:create_app",
    "--log-level",
    "error",
    "--lifespan",
    "on",
)
NAMED_BY = ("PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH")
SERVER_ENVIRONMENT = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",  # as Prefect sets it for its own temporary server: no scheduler
}


def configured_url() -> str | None:
    """Return the Prefect API that the environment or the person's profile names."""
    if not _may_be_named():
        return None
    from prefect.settings import PREFECT_API_URL

    return PREFECT_API_URL.value()


def _may_be_named() -> bool:
    """Return False where no setting can name an API, so that Prefect, which takes a second to import, need not be asked.

    It takes settings from the environment, from a profile and from three files of the working folder.
    """
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    files = (Path(".env"), Path("prefect.toml"), home / "profiles.toml")
    project = Path("pyproject.toml")
    return (
        any(os.environ.get(name) for name in NAMED_BY)
        or any(path.exists() for path in files)
        or (project.is_file() and b"tool.prefect" in project.read_bytes())
    )


def check_api() -> None:
    """UserError when a server is configured and does not answer."""
    url = configured_url()
    if url and not is_healthy(url):
        raise UserError(
            f"the Prefect API {url} does not answer; start it (`prefect server start`) or unset PREFECT_API_URL "
            "to run without a server"
        )


@contextmanager
def prefect_api(home: Path) -> Iterator[str]:
    """Yield the address of an API that answers. A server of our own lives until the block ends, and never longer than this process."""
    url = configured_url()
    if url:
        yield url
        return
    with _own_server(home) as address, _named_in_settings(address):
        yield address


@contextmanager
def _own_server(home: Path) -> Iterator[str]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two first starts at once would both create the database's tables
        port = free_port()
        server = spawn(
            [sys.executable, *SERVER, "--host", "127.0.0.1", "--port", str(port)], env=SERVER_ENVIRONMENT, log_path=home / "server.log",
            works=False,
        )  # fmt: skip
        try:
            _wait_until_healthy(server, f"http://127.0.0.1:{port}/api")
        except BaseException:
            server.stop()
            raise
    with server:
        try:
            yield f"http://127.0.0.1:{port}/api"
        finally:
            _send_what_waits()


def _send_what_waits() -> None:
    """Let Prefect's background threads send their events and log lines now; once the server is gone they would retry for 45 s."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    EventsWorker.drain_all(timeout=DRAIN_TIMEOUT_S)
    APILogWorker.drain_all(timeout=DRAIN_TIMEOUT_S)


@contextmanager
def _named_in_settings(address: str) -> Iterator[None]:
    from prefect.context import refresh_global_settings_context

    os.environ["PREFECT_API_URL"] = address
    refresh_global_settings_context()
    try:
        yield
    finally:
        del os.environ["PREFECT_API_URL"]
        refresh_global_settings_context()


def _wait_until_healthy(server: GuardedProcess, url: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_healthy(url):
        if server.poll() is not None or time.monotonic() > deadline:
            last = server.log_tail(1) or "it said nothing"
            raise InfrastructureError(f"the temporary Prefect server did not start ({last}); see {server.log_path}")
        time.sleep(0.1)


def is_healthy(url: str) -> bool:
    """Return whether the API at this address reports that it is healthy."""
    import httpx

    try:
        return httpx.get(f"{url.rstrip('/')}/health", timeout=5).status_code == 200
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
