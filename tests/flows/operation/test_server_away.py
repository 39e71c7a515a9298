"""A server that is away for a moment costs a run nothing, whichever client asks."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from prefect.client.base import PrefectHttpxSyncClient
from prefect.settings import PREFECT_CLIENT_RETRY_JITTER_FACTOR, temporary_settings

from flows.operation.server_away import CLIENTS, FLAG, ask_again


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefectHttpxSyncClient]:
    """A new client of a server that refuses the first connection."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    refused = iter([True])

    def answer(request: httpx.Request) -> httpx.Response:
        if next(refused, False):
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200)

    with (
        temporary_settings({PREFECT_CLIENT_RETRY_JITTER_FACTOR: 0.0}),
        PrefectHttpxSyncClient(transport=httpx.MockTransport(answer), base_url="http://server") as made,
    ):
        yield made


def test_a_new_client_gives_up_at_once(client: PrefectHttpxSyncClient) -> None:
    """As Prefect has it: were this otherwise, `ask_again` could go."""
    with pytest.raises(httpx.ConnectError):
        client.get("/health")


def test_a_new_client_of_a_run_asks_again(client: PrefectHttpxSyncClient) -> None:
    ask_again()
    try:
        assert client.get("/health").status_code == 200
    finally:
        for kind in CLIENTS:
            delattr(kind, FLAG)
