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

from sandbox.hosts.engine import engine_at
from sandbox.image.build import ensure_image
from sandbox.settings import SandboxSettings
from tasks.processes.ports import free_port

FIRST = "unix:///var/run/docker.sock"
START_SECONDS = 60


def can_start() -> str | None:
    """None, or why an engine cannot be started here."""
    if os.geteuid() != 0:
        return "starting an engine takes root"
    return None if shutil.which("dockerd") else "dockerd is not installed"


class SecondEngine:
    """`url` answers between `start` and `stop`, and `tls_url` with the certificates in `certificates`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder}/socket"
        self.tls_url = f"tcp://127.0.0.1:{free_port()}"
        self.certificates = folder / "certificates"
        make_certificates(self.certificates)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        folder = self._folder
        command = ["dockerd", "--bridge=none", "--iptables=false", "--ip-masq=false", "--shutdown-timeout=5"]
        command += [f"--host={self.url}", f"--data-root={folder}/data", f"--exec-root={folder}/exec"]
        command += [f"--pidfile={folder}/pid", f"--host={self.tls_url}", "--tlsverify"]
        for option, name in (("cacert", "ca"), ("cert", "server"), ("key", "server-key")):
            command.append(f"--tls{option}={self.certificates}/{name}.pem")
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


def make_certificates(folder: Path) -> None:
    """An authority, and a certificate of it for the engine and for its client, under the names that Docker uses."""
    folder.mkdir()
    openssl = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    authority = ["-x509", "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=authority"]
    subprocess.run([*openssl, *authority], cwd=folder, check=True, capture_output=True)
    for name, key, usage in (("server", "server-key", "serverAuth"), ("cert", "key", "clientAuth")):
        request = ["-keyout", f"{key}.pem", "-out", "request", "-subj", f"/CN={name}"]
        subprocess.run([*openssl, *request], cwd=folder, check=True, capture_output=True)
        (folder / "extensions").write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usage}\n")
        sign = ["openssl", "x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-days", "2"]
        sign += ["-CAcreateserial", "-extfile", "extensions", "-out", f"{name}.pem"]
        subprocess.run(sign, cwd=folder, check=True, capture_output=True)


@contextmanager
def second_engine() -> Iterator[SecondEngine]:
    """Started, with the sandbox image of the first engine, and gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="restem-engine-"))
    engine = SecondEngine(folder)
    try:
        engine.start()
        first = docker.APIClient(base_url=FIRST, version="auto")
        image = ensure_image(engine_at(FIRST), SandboxSettings())
        other = docker.APIClient(base_url=engine.url, version="auto")
        other.load_image(b"".join(first.get_image(image)))
        yield engine
    finally:
        engine.stop()
        subprocess.run(["umount", "-R", str(folder / "data")], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
