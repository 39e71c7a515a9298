"""Asks the viewer for pages as its own pages do: again, while the index of a run's samples is built."""

from __future__ import annotations

import time

from httpx import Response
from starlette.testclient import TestClient

WITHIN_S = 600.0


def asked(client: TestClient, address: str) -> Response:
    """Return the answer once the index is there, however busy the machine is."""
    deadline = time.monotonic() + WITHIN_S
    while "samples is being built" in (answer := client.get(address)).text:
        assert time.monotonic() < deadline, f"{address} has no index of its samples after {WITHIN_S:.0f} s"
        time.sleep(0.05)
    return answer


def page(client: TestClient, address: str, status: int = 200) -> str:
    """Return a page's text."""
    answer = asked(client, address)
    assert answer.status_code == status, (address, answer.status_code, answer.text[:2000])
    return answer.text
