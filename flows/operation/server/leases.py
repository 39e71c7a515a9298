"""The Prefect server's storage for leases of concurrency slots; PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE names this module.

The count of taken slots lies in the database. By Prefect's default, the lease that frees a slot lies in the server's memory:
after `kill -9` of the server nobody frees the slot, and a run whose deployment has a limit is cancelled when it renews.
Prefect's file storage keeps an index beside the leases, from which two writers can lose entries; here only lease files exist.
"""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

from prefect.server.concurrency.lease_storage import filesystem


class ConcurrencyLeaseStorage(filesystem.ConcurrencyLeaseStorage):
    """Prefect's file storage without its index: the time at which a lease ends is read from the lease itself."""

    async def _load_expiration_index(self) -> dict[str, str]:
        return {path.stem: ends for path in self.storage_path.glob("*.json") if (ends := _end_of(path))}

    async def _update_expiration_index(self, lease_id: UUID, expiration: object) -> None:
        """Do nothing, because the lease itself was written just before."""

    async def _remove_from_expiration_index(self, lease_id: UUID) -> None:
        """Do nothing, because the lease itself was removed just before."""


def _end_of(path: Path) -> str:
    """Return the end of the lease in this file, as it is written there; empty for a file that is gone or is no lease."""
    try:
        found = json.loads(path.read_text()).get("expiration")
    except (OSError, ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""
