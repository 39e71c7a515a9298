"""The password of the server's database goes through a pipe: the server has it, and no environment of any process shows it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from flows.operation.server.database import PASSWORD_VARIABLE, PIPE_VARIABLE, password_pipe
from flows.operation.server.keeper import Machine
from flows.operation.server.up import without_password_of
from tasks.processes.guard import spawn
from tests.postgres import PASSWORD

SERVER = """
import os, time
from flows.operation.server.database import take_password
take_password()
print(os.environ.get("PGPASSWORD", "none"), os.environ.get("RESTEM_DATABASE_PASSWORD_FD", "taken"), "told", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("password", [PASSWORD, ""], ids=["with", "without"])  # pytest puts ids into the environment
def test_a_server_takes_it_from_the_pipe_and_no_environment_shows_it(password: str, tmp_path: Path) -> None:
    with password_pipe(password) as descriptor:
        child = spawn(
            [sys.executable, "-c", SERVER], env={PIPE_VARIABLE: str(descriptor)}, log_path=tmp_path / "log",
            pass_fds=(descriptor,),
        )  # fmt: skip
    with child:
        while not (said := child.log_tail()).endswith("told") and child.poll() is None:  # a line may come in parts
            pass
        assert said == f"{password or 'none'} taken told"
        server = psutil.Process(child.pid)
        shown = [Path(f"/proc/{one.pid}/environ").read_bytes() for one in (server, *server.parents()) if one.pid > 1]
        assert not [one for one in shown if PASSWORD.encode() in one]


def test_a_keeper_inherits_it_only_where_it_is_none_of_the_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    machine = Machine("/f", "/r", "127.0.0.1", 1, (), "postgresql+asyncpg://me@h/d")
    assert without_password_of(machine) == {
        name: value for name, value in os.environ.items() if name != PASSWORD_VARIABLE
    }
    assert without_password_of(Machine("/f", "/r", "127.0.0.1", 1, ())) == dict(os.environ)
