"""Where the Prefect server keeps its leases of concurrency slots; PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE names this module.

A slot's count lies in the database. With Prefect's default the lease that gives it back lies in the server's memory: after
`kill -9` of the server nobody ever gives the slot back, and a run whose deployment has a limit is cancelled when it renews.
Prefect's file storage keeps an index beside the leases, which two writers can lose entries of; here the lease files are all.
"""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

from prefect.server.concurrency.lease_storage import filesystem


class ConcurrencyLeaseStorage(filesystem.ConcurrencyLeaseStorage):
    """Prefect's file storage without its index: which lease ends when is read from the leases themselves."""

    async def _load_expiration_index(self) -> dict[str, str]:
        return {path.stem: ends for path in self.storage_path.glob("*.json") if (ends := _end_of(path))}

    async def _update_expiration_index(self, lease_id: UUID, expiration: object) -> None:
        """The lease was written just before."""

    async def _remove_from_expiration_index(self, lease_id: UUID) -> None:
        """The lease was removed just before."""


def _end_of(path: Path) -> str:
    """When the lease in this file ends, as it is written there; empty for a file that is no lease, or not any more."""
    try:
        found = json.loads(path.read_text()).get("expiration")
    except (OSError, ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""
