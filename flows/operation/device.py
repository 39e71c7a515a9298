"""Gives this machine's device to one run after the other: who has it, who waits for it, and how a dead run's slot is freed.

`restem up` makes the limit `restem-device-HOST` on the server. A run takes a slot of it under a lease that it renews, and
writes the lease into its labels, so a waiting run can name the holder, and whoever finds the holder's process gone can give
back exactly that slot. The lease expires by itself when nobody is left to look.
"""

from __future__ import annotations

import logging
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound

from flows.operation.processes import has_process
from flows.viewer.server_state import DEVICE

log = logging.getLogger("restem")

LEASE_S = 300.0  # longer than a server that hangs takes to be started again
RENEW_S = 30.0
WAIT_S = 3.0  # between two tries
SAY_AGAIN_S = 600.0
LEASE, SINCE, HELD_ON = "restem.device.lease", "restem.device.since", "restem.device.host"  # labels
TAKEN, GONE = 423, 410  # HTTP


@contextmanager
def device(execution: str) -> Iterator[None]:
    """Hold this machine's device for the length of the block; other runs wait. An orchestrating run needs none.

    Nobody waits where `restem up` has not made the limit.
    """
    if execution != "inline":
        yield
        return
    with get_client(sync_client=True) as client:
        if not _has_limit(client):
            yield
            return
        slot = Slot(_taken(client))
        try:
            with slot.kept():
                yield
        finally:
            give_back(client, slot.lease)
            with suppress(httpx.HTTPError):  # a lease that has ended can be given back again
                _label(client, {LEASE: ""})


def device_limit() -> str:
    """Return the name of the limit on how many runs use this machine's device at once."""
    return f"{DEVICE}{platform.node()}"


@dataclass
class Slot:
    """One slot of the device, held by this run."""

    lease: UUID
    _end: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew the lease until the block ends, also when the server does not answer for a while."""
        renewer = threading.Thread(target=self._renew, name="device-lease", daemon=True)
        renewer.start()
        try:
            yield
        finally:
            self._end.set()

    def _renew(self) -> None:
        with get_client(sync_client=True) as client:
            while not self._end.wait(RENEW_S):
                try:
                    client.renew_concurrency_lease(self.lease, LEASE_S)
                except httpx.HTTPStatusError as error:
                    if error.response.status_code == GONE:
                        self._take_again(client)
                except httpx.HTTPError as error:
                    log.warning("the lease of %s could not be renewed yet: %s", device_limit(), error)

    def _take_again(self, client: SyncPrefectClient) -> None:
        """Take a slot again after the server was away for longer than the lease lasts."""
        lease = try_to_take(client)
        if lease is None:
            log.warning("the lease of %s ended while the server was away and another run has it now", device_limit())
            return
        self.lease = lease
        _label(client, {LEASE: str(lease)})


def try_to_take(client: SyncPrefectClient) -> UUID | None:
    """Return a lease on one slot of the device, or None while all are taken."""
    try:
        answer = client.increment_concurrency_slots_with_lease([device_limit()], 1, "concurrency", LEASE_S)
    except httpx.HTTPStatusError as error:
        if error.response.status_code == TAKEN:
            return None
        raise
    return UUID(answer.json()["lease_id"])


def give_back(client: SyncPrefectClient, lease: UUID) -> None:
    """End a lease; a lease that has ended already is no error."""
    with suppress(httpx.HTTPError):  # it ends by itself
        client.release_concurrency_slots_with_lease(lease)


def free_of_the_dead(client: SyncPrefectClient) -> Iterator[str]:
    """Give back the slots of this machine's runs whose process is gone, and yield the names of those runs."""
    for run in _with_lease(client):
        if not has_process(run):
            give_back(client, UUID(str(run.labels[LEASE])))
            client.update_flow_run_labels(run.id, {LEASE: ""})
            yield run.name


def free_of_nobody(client: SyncPrefectClient) -> int:
    """Give back slots that no run holds and that no lease will free; return how many.

    A slot is given back only after it was without a run for longer than any lease lasts, because the server counts a slot
    before the run can say that it holds it.
    """
    if not _has_limit(client):
        return 0
    limit = client.read_global_concurrency_limit_by_name(device_limit())
    quiet = limit.updated is not None and datetime.now(UTC) - limit.updated > timedelta(seconds=LEASE_S + RENEW_S)
    return _free(client, unheld(client)) if quiet else 0


def unheld(client: SyncPrefectClient) -> int:
    """Return how many slots the server counts as taken although no run holds them."""
    taken = client.read_global_concurrency_limit_by_name(device_limit()).active_slots
    return max(0, taken - len(holders(client)))


def holders(client: SyncPrefectClient) -> list[FlowRun]:
    """Return the living runs that hold this machine's device."""
    return [run for run in _with_lease(client) if has_process(run)]


def _free(client: SyncPrefectClient, slots: int) -> int:
    if slots:
        client.release_concurrency_slots([device_limit()], slots, 1.0)
        log.warning("%d slots of %s were taken by nobody and are free again", slots, device_limit())
    return slots


def _has_limit(client: SyncPrefectClient) -> bool:
    try:
        client.read_global_concurrency_limit_by_name(device_limit())
    except ObjectNotFound:
        return False
    return True


def _taken(client: SyncPrefectClient) -> UUID:
    """Wait for the device, say which run holds it, and take it."""
    told, strange_since = Told(), 0.0
    while (lease := try_to_take(client)) is None:
        if not list(free_of_the_dead(client)):
            told.say(holders(client), log.info)
            strange_since = (strange_since or time.monotonic()) if unheld(client) else 0.0
            if strange_since and time.monotonic() - strange_since > LEASE_S + RENEW_S:
                _free(client, unheld(client))
            time.sleep(WAIT_S)
    _label(client, {LEASE: str(lease), SINCE: datetime.now(UTC).isoformat(timespec="seconds")})
    told.end(log.info)
    return lease


@dataclass
class Told:
    """What a waiting run said last, so that it reports news at once and repeats only now and then that it still waits."""

    text: str = ""
    at: float = 0.0

    def say(self, found: list[FlowRun], tell: Callable[[str], None]) -> None:
        held = ", ".join(f"{run.name} since {run.labels.get(SINCE, '?')}" for run in found)
        text = f"waiting for the device {device_limit()}, held by {held or 'a run that is about to say so'}"
        if text != self.text or time.monotonic() - self.at > SAY_AGAIN_S:
            tell(text)
            self.text, self.at = text, time.monotonic()

    def end(self, tell: Callable[[str], None]) -> None:
        if self.text:
            tell(f"the device {device_limit()} is free; this run has it now")


def _with_lease(client: SyncPrefectClient) -> list[FlowRun]:
    """Return this machine's runs that took its device: the unfinished ones, and ended ones whose lease may still last."""
    since = (datetime.now(UTC) - timedelta(seconds=2 * LEASE_S)).isoformat()
    on_their_way = {"state": {"type": {"any_": [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]}}}
    found = [*_runs(client, on_their_way), *_runs(client, {"end_time": {"after_": since}})]
    named = {run.id: run for run in found if (run.labels or {}).get(LEASE)}
    return [run for run in named.values() if run.labels.get(HELD_ON) == platform.node()]


def _runs(client: SyncPrefectClient, wanted: dict[str, Any]) -> list[FlowRun]:
    return client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted), limit=200)


def _label(client: SyncPrefectClient, labels: dict[str, Any]) -> None:
    """Label this flow run with the lease; outside of a flow run nothing is written."""
    if runtime.flow_run.id:
        client.update_flow_run_labels(UUID(runtime.flow_run.id), {**labels, HELD_ON: platform.node()})
