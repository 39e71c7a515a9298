"""A second Docker engine, in a folder of its own, that a test may restart and connect to beside the first."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker

from sandbox.image.build import ensure_image
from sandbox.settings import SandboxSettings

FIRST = "unix:///var/run/docker.sock"
START_SECONDS = 60


def can_start() -> str | None:
    """None, or why an engine cannot be started here."""
    if os.geteuid() != 0:
        return "starting an engine takes root"
    return None if shutil.which("dockerd") else "dockerd is not installed"


class SecondEngine:
    """`url` answers between `start` and `stop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder}/socket"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        folder = self._folder
        command = ["dockerd", "--bridge=none", "--iptables=false", "--ip-masq=false", "--shutdown-timeout=5"]
        command += [f"--host={self.url}", f"--data-root={folder}/data", f"--exec-root={folder}/exec"]
        command += [f"--pidfile={folder}/pid"]
        with open(folder / "log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with suppress(Exception):
                docker.APIClient(base_url=self.url, version="auto").ping()
                return
            time.sleep(0.2)
        raise RuntimeError((folder / "log").read_text()[-500:])

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def second_engine() -> Iterator[SecondEngine]:
    """Started, with the sandbox image of the first engine, and gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="restem-engine-"))
    engine = SecondEngine(folder)
    try:
        engine.start()
        first = docker.APIClient(base_url=FIRST, version="auto")
        image = ensure_image(first, SandboxSettings())
        other = docker.APIClient(base_url=engine.url, version="auto")
        other.load_image(b"".join(first.get_image(image)))
        yield engine
    finally:
        engine.stop()
        subprocess.run(["umount", "-R", str(folder / "data")], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
