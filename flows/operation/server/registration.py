"""Registers work pools, deployments, the notification block and automations with a Prefect server. Doing it twice changes nothing.

`python -m flows.operation.server.registration` registers with the server that PREFECT_API_URL names; with the argument `device`
it registers only this machine's device. What people changed in the interface (parameters and schedules of a deployment) stays
as they left it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    DeploymentUpdate,
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from flows.operation.device import device_limit
from flows.operation.server.automations import make_automations
from flows.operation.server.environment import gpu_runs
from flows.operation.sweep import sweep

ROOT = Path(__file__).parents[3]
PREFECT_FILE = "deployments/prefect.yaml"
POOLS = {
    "gpu": "Sampling and training. Runs on one machine take turns at its device.",
    "cpu": "Orchestration, grading and clearing up.",
}


@dataclass(frozen=True)
class Kept:
    """The parts of a deployment that a person may have changed."""

    parameters: dict[str, Any]
    schedules: dict[str, bool]  # slug -> active


def register() -> None:
    """Register work pools, the device limit, deployments and automations, in this order; then end runs without a process."""
    with get_client(sync_client=True) as client:
        make_pools(client)
        limit_device(client)
        kept = {name: _kept(client, name) for name in deployment_names()}
        deploy()
        for name, one in kept.items():
            if one is not None:
                _restore(client, name, one)
        make_automations(client)
        sweep(client)


def make_pools(client: SyncPrefectClient) -> None:
    """Make process pools without a limit, because a night that finds another one running must reach a worker to be cancelled."""
    for name, description in POOLS.items():
        try:
            client.create_work_pool(WorkPoolCreate(name=name, type="process", description=description))
        except ObjectAlreadyExists:
            client.update_work_pool(name, WorkPoolUpdate(description=description))


def limit_device(client: SyncPrefectClient) -> None:
    """Limit how many runs use this machine's device at once: RESTEM_GPU_RUNS, 1 if unset."""
    runs, name = gpu_runs(), device_limit()
    try:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=runs))
    except ObjectAlreadyExists:
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(limit=runs))


def deployment_names() -> list[str]:
    """Return FLOW/DEPLOYMENT of every entry of prefect.yaml."""
    import yaml

    entries = yaml.safe_load((ROOT / PREFECT_FILE).read_text())["deployments"]
    return [f"{_flow_name(entry['entrypoint'])}/{entry['name']}" for entry in entries]


def _flow_name(entrypoint: str) -> str:
    return entrypoint.rpartition(".")[2].replace("_", "-")


def deploy() -> None:
    """Deploy prefect.yaml, with one command."""
    argv = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", PREFECT_FILE]
    environment = {**os.environ, "RESTEM_ROOT": os.environ.get("RESTEM_ROOT", str(ROOT))}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv[1:])} failed: {(done.stderr or done.stdout).strip()[-2000:]}")


def _kept(client: SyncPrefectClient, name: str) -> Kept | None:
    try:
        found = client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None
    return Kept(dict(found.parameters), {one.slug: one.active for one in found.schedules if one.slug})


def _restore(client: SyncPrefectClient, name: str, kept: Kept) -> None:
    found = client.read_deployment_by_name(name)
    if found.parameters != kept.parameters:
        client.update_deployment(found.id, DeploymentUpdate(parameters=kept.parameters))
    for one in found.schedules:
        if one.slug in kept.schedules and one.active != kept.schedules[one.slug]:
            client.update_deployment_schedule(found.id, one.id, active=kept.schedules[one.slug])


if __name__ == "__main__":
    if sys.argv[1:] == ["device"]:
        with get_client(sync_client=True) as api:
            limit_device(api)
    else:
        register()
