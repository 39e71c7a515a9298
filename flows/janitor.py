"""Clears up behind runs that ended without being able to: a killed worker, a machine that went down, a lost server.

It clears only the host it runs on; the heartbeat automation handles runs of other hosts. Two janitors may run at once without
harm, so they share no concurrency limit: a janitor that hangs could otherwise block all later ones.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client

from flows.operation.boundary import guard_this_run
from flows.operation.form import scratch_at_hand, store_at_hand
from flows.operation.orphans import end_leftovers
from flows.operation.sweep import sweep
from flows.stored.gc import Cleaning, clean
from sandbox.hosts.docker_launcher import remove_dead
from sandbox.hosts.engine import engine_at
from sandbox.settings import default_host
from tasks.domain.amounts import size
from tasks.domain.errors import UserError

MOST_S = 3000.0  # the next one comes after an hour


@dataclass(frozen=True)
class Swept:
    """What one run of the janitor found and did."""

    crashed: tuple[str, ...]
    ended: tuple[str, ...]
    containers: tuple[str, ...] | None
    cleaning: Cleaning | None

    def to_markdown(self) -> str:
        freed = f"{len(self.cleaning.removals)} things, {size(self.cleaning.bytes)}" if self.cleaning else "not asked"
        containers = "no Docker engine answers here" if self.containers is None else _names(self.containers)
        return (
            f"* runs without a process: {_names(self.crashed)}\n* processes without a run: {_names(self.ended)}\n"
            f"* sandbox containers without an owner: {containers}\n* removed from the store: {freed}\n"
        )


def _names(found: tuple[str, ...]) -> str:
    return ", ".join(found) or "none"


@flow(name="janitor", flow_run_name="janitor", timeout_seconds=MOST_S, persist_result=False, validate_parameters=False)
def janitor(clear_store: bool = False, keep: int = 2, store: str = "") -> Any:
    """Mark runs whose process is gone as crashed, end processes and containers without a run, and clear the store's leftovers.

    Args:
        clear_store: Also do what `restem gc` does: weights that no run keeps, attempts that never finished.
        keep: Policies of each run that stay.
        store: Folder or s3://bucket/prefix; empty is the worker's RESTEM_STORE, else .restem/store.
    """
    guard_this_run()
    with get_client(sync_client=True) as client:
        crashed, ended = sweep(client), tuple(end_leftovers(client))
    containers = containers_without_owner()
    cleaning = clean(store_at_hand(store), scratch_at_hand(), max(keep, 1)) if clear_store else None
    swept = Swept(crashed, ended, containers, cleaning)
    create_markdown_artifact(swept.to_markdown(), key="janitor", description="What the last visit found")


def containers_without_owner() -> tuple[str, ...] | None:
    """Remove sandbox containers of this host's engine whose owner is gone; None where no engine answers."""
    try:
        engine = engine_at(default_host())
    except UserError:
        return None
    with closing(engine):
        return tuple(remove_dead(engine))
