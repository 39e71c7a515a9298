"""An engine behind a real `ssh://`: an sshd of our own on loopback, with a throwaway key. Skips, loudly, where there is none."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.job import Job
from sandbox.pool.pool import Sandbox
from tasks.domain.errors import UserError
from tasks.processes.ports import free_port
from tests.sandbox.conftest import docker_sandbox

pytestmark = pytest.mark.heavy

SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
"""
CLIENT = """
Host *
  IdentityFile {folder}/key
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking accept-new
  BatchMode yes
"""
SLOW_DOUBLE = b"import time; time.sleep(0.02); print(int(input()) * 2)"


@pytest.fixture(scope="module")
def ssh_host(one_slot: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the first engine by way of a real sshd; `ssh` finds our key through a script of that name."""
    server, client = shutil.which("sshd", path="/usr/sbin:/usr/bin"), shutil.which("ssh")
    if server is None or client is None or os.geteuid() != 0:
        pytest.skip("a real ssh:// host takes root, ssh and sshd (Debian: openssh-client, openssh-server)")
    folder, port = tmp_path_factory.mktemp("ssh"), free_port()
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "server").write_text(SERVER.format(folder=folder, port=port))
    (folder / "client").write_text(CLIENT.format(folder=folder))
    (folder / "bin").mkdir()
    (folder / "bin" / "ssh").write_text(f'#!/bin/sh\nexec {client} -F {folder}/client "$@"\n')
    (folder / "bin" / "ssh").chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
        sshd = subprocess.Popen([server, "-D", "-f", str(folder / "server"), "-E", str(folder / "log")])
        try:
            wait_for(port)
            yield f"ssh://root@127.0.0.1:{port}"
        finally:
            sshd.terminate()
            sshd.wait(20)


def wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise TimeoutError("sshd does not listen")


def connections() -> list[int]:
    """The live `ssh` processes that this one started."""
    command = ["ps", "-o", "pid=,stat=,comm=", "--ppid", str(os.getpid())]
    rows = [
        line.split() for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    ]
    return [int(row[0]) for row in rows if row[2] == "ssh" and not row[1].startswith("Z")]


def test_jobs_run_over_ssh_and_survive_cut_connections(ssh_host: str) -> None:
    with docker_sandbox(hosts=(ssh_host,), slots=2) as sandbox:
        futures = [sandbox.submit(Job(SLOW_DOUBLE, stdin=b"%d" % number)) for number in range(200)]
        futures[50].result(timeout=60)
        for connection in connections():
            os.kill(connection, 9)
        found = [future.result(timeout=120).stdout for future in futures]
        big = sandbox.run_many([Job(b"print('x' * 1_000_000)"), Job(b"print(len(input()))", stdin=b"y" * 5_000_000)])
    assert found == [b"%d\n" % (2 * number) for number in range(200)]
    assert [len(one.stdout) for one in big] == [1_000_001, 8]
    assert connections() == []


def test_a_host_that_nobody_listens_on_is_one_sentence(ssh_host: str) -> None:
    with pytest.raises(UserError, match="no Docker engine answers at ssh://"):
        docker_sandbox(hosts=(f"ssh://root@127.0.0.1:{free_port()}",))
