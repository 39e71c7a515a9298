"""Clears up behind runs that ended without being able to: a killed worker, a machine that went down, a lost server.

It clears the host it runs on; runs of other hosts are left to the heartbeat automation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client

from flows.cleaning import Cleaning, clean
from flows.deployed import guard_this_run
from flows.form import scratch_at_hand, store_at_hand
from flows.orphans import crash_orphans, end_leftovers
from flows.text import size


@dataclass(frozen=True)
class Swept:
    """What one visit found and did."""

    crashed: tuple[str, ...]
    ended: tuple[str, ...]
    cleaning: Cleaning | None

    def to_markdown(self) -> str:
        freed = f"{len(self.cleaning.removals)} things, {size(self.cleaning.bytes)}" if self.cleaning else "not asked"
        runs, processes = ", ".join(self.crashed) or "none", ", ".join(self.ended) or "none"
        return f"* runs without a process: {runs}\n* processes without a run: {processes}\n* removed from the store: {freed}\n"


@flow(name="janitor", flow_run_name="janitor", persist_result=False, validate_parameters=False)
def janitor(clear_store: bool = False, keep: int = 2, store: str = "") -> Any:
    """Mark runs whose process is gone as crashed, end processes whose run is over, and clear the store's leftovers.

    Args:
        clear_store: Also do what `restem gc` does: weights that no run keeps, attempts that never finished.
        keep: Policies of each run that stay.
        store: Folder or s3://bucket/prefix; empty is the worker's RESTEM_STORE, else .restem/store.
    """
    guard_this_run()
    with get_client(sync_client=True) as client:
        crashed, ended = tuple(crash_orphans(client)), tuple(end_leftovers(client))
    cleaning = clean(store_at_hand(store), scratch_at_hand(), max(keep, 1)) if clear_store else None
    swept = Swept(crashed, ended, cleaning)
    create_markdown_artifact(swept.to_markdown(), key="janitor", description="What the last visit found")
