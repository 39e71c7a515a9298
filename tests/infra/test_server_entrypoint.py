"""The server of an image is the mended one, with leases in files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tasks.processes.ports import free_port

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 300.0


@pytest.mark.heavy
def test_the_server_of_an_image_writes_its_leases_to_files_and_mends_its_interface(tmp_path: Path) -> None:
    port = free_port()
    named = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    named |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RESTEM_SCRATCH": str(tmp_path),
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
    }
    server = subprocess.Popen(["sh", "infra/entrypoint.sh", "server"], cwd=ROOT, env=named)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=60) as api:
            wait_for(api, server)
            api.post("/v2/concurrency_limits/", json={"name": "device", "limit": 1}).raise_for_status()
            wanted = {"names": ["device"], "slots": 1, "mode": "concurrency", "lease_duration": 300}
            api.post("/v2/concurrency_limits/increment-with-lease", json=wanted).raise_for_status()
        leases = [path.name for path in (tmp_path / "prefect" / "concurrency_leases").iterdir()]
        assert len(leases) == 1 and "index" not in leases[0]  # Prefect's own storage keeps an index beside the leases
        scripts = "".join(path.read_text() for path in (tmp_path / "prefect" / "interface").glob("v1/assets/*.js"))
        assert "step:`any`" in scripts
    finally:
        server.kill()
        server.wait()


def wait_for(api: httpx.Client, server: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; fail when it ended or the time is over."""
    ends = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < ends:
        assert server.poll() is None, "the server ended before it answered"
        try:
            if api.get("/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"no answer within {START_TIMEOUT_S:.0f} s")
