"""Asks the viewer for pages as its own pages do: again, while the index of a run's samples is built."""

from __future__ import annotations

from httpx import Response
from starlette.testclient import TestClient


def asked(client: TestClient, address: str) -> Response:
    """Return the answer once the index is there, however busy the machine is."""
    answer = client.get(address)
    while "samples is being built" in answer.text:
        answer = client.get(address)
    return answer


def page(client: TestClient, address: str, status: int = 200) -> str:
    """Return a page's text."""
    answer = asked(client, address)
    assert answer.status_code == status, (address, answer.status_code, answer.text[:2000])
    return answer.text
