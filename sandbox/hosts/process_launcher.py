"""Supervisors as plain child processes, without isolation: only for programs that are trusted, and for tests."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

from sandbox.hosts.launch import LaunchFailed, supervisor_options
from sandbox.settings import SandboxSettings

ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}
END_SECONDS = 10


class ProcessLink:
    """A link over pipes."""

    def __init__(self, tmp: str, trusted: bool) -> None:
        self._tmp = tmp
        options = json.dumps(supervisor_options(0, 0, tmp, trusted))
        command = [sys.executable, "-s", "-P", "-B", "-m", "sandbox.image.inside.supervisor", options]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT | {"PATH": os.environ.get("PATH", "")},
            start_new_session=True,
            bufsize=0,
        )
        self.name = f"process {self._process.pid}"
        self._ending = threading.Lock()

    def send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        view = memoryview(data)
        while view:
            view = view[self._process.stdin.write(view) or 0 :]

    def receive(self) -> bytes:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            return self._process.stdout.read(1 << 18) or b""
        return b""

    def kill(self) -> None:
        """Kill the supervisor; its children die with it (a death signal), and its folder is removed."""
        self._process.kill()
        with self._ending:
            self._process.wait(END_SECONDS)
            shutil.rmtree(self._tmp, ignore_errors=True)

    def last_words(self) -> str:
        return f"exit code {self._process.poll()}"


class ProcessLauncher:
    """Launches supervisors on this machine, as this user."""

    host = "this machine"

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings

    def cores(self) -> int:
        return os.cpu_count() or 1

    def traits(self) -> None:
        """Nothing is isolated, so there is nothing to test."""

    def launch(self, trusted: bool) -> ProcessLink:
        try:
            return ProcessLink(tempfile.mkdtemp(prefix="restem-sandbox-"), trusted)
        except OSError as error:
            raise LaunchFailed(f"no process could be started: {error}") from error

    def leave(self) -> None:
        """Do nothing, because processes end at once."""

    def close(self) -> None:
        """Do nothing, because cells close their links."""
