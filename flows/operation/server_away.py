"""A run that has begun has reached its server, so a server that is away is asked again, also by a client that is new.

Prefect's clients retry a refused connection only once one of their own was accepted. A run makes many: a server that was killed
a moment before one of them first asks would fail the run, though it is back within seconds.
"""

from __future__ import annotations

from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient

CLIENTS = (PrefectHttpxAsyncClient, PrefectHttpxSyncClient)
FLAG = "_has_connected"  # of an instance, in Prefect 3.7


def ask_again() -> None:
    """From here on every client of this process retries refused connections."""
    for kind in CLIENTS:
        setattr(kind, FLAG, property(lambda client: True, lambda client, value: None))
