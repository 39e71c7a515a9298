"""What the Prefect server says of its queue, its devices and what samples now, asked over HTTP: the viewer knows no Prefect."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

API_VARIABLE, AUTH_VARIABLE = "PREFECT_API_URL", "PREFECT_API_AUTH_STRING"
DEVICE = "restem-device-"  # the limits that `restem up` makes, one a host
STATES = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "PAUSED")  # of a flow run that has not ended
FRESH_S = 60.0  # work in progress says how far it is every 5 s
TIMEOUT_S = 5.0
RATES = re.compile(r"([\d.]+) tokens/s")


@dataclass(frozen=True)
class Device:
    """A device: how many runs may hold it at once, and how many do."""

    slots: int
    taken: int


@dataclass(frozen=True)
class ServerState:
    """What the server says now. `late` runs are due and were not begun; `tokens_s` is what the sampling in progress adds up to."""

    flow_runs: Mapping[str, int] = field(default_factory=dict)
    late: int = 0
    devices: Mapping[str, Device] = field(default_factory=dict)
    tokens_s: float = 0.0


def server_state() -> ServerState | None:
    """Ask the server that the environment names; None where none is named or it does not answer."""
    url = os.environ.get(API_VARIABLE, "").rstrip("/")
    if not url:
        return None
    user, _, password = os.environ.get(AUTH_VARIABLE, "").partition(":")
    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT_S, auth=(user, password) if user else None) as client:
            return _asked(client)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError):  # no figure is better than a wrong one
        return None


def _asked(client: httpx.Client) -> ServerState:
    runs = {state.lower(): _count(client, {"type": {"any_": [state]}}) for state in STATES}
    limits = _post(client, "/v2/concurrency_limits/filter", {"limit": 200})
    devices = {
        one["name"].removeprefix(DEVICE): Device(one["limit"], one["active_slots"])
        for one in limits
        if one["name"].startswith(DEVICE)
    }
    return ServerState(runs, _count(client, {"name": {"any_": ["Late"]}}), devices, _tokens_s(client))


def _count(client: httpx.Client, state: dict[str, Any]) -> int:
    return int(_post(client, "/flow_runs/count", {"flow_runs": {"state": state}}))


def _tokens_s(client: httpx.Client) -> float:
    """Add up what the progress artifacts of the last minute say."""
    wanted = {"artifacts": {"type": {"any_": ["progress"]}}, "sort": "UPDATED_DESC", "limit": 100}
    since = datetime.now(UTC) - timedelta(seconds=FRESH_S)
    shown = [one for one in _post(client, "/artifacts/filter", wanted) if _moment(one["updated"]) > since]
    going = [one for one in shown if float(one["data"] or 0) < 100]
    return sum(float(found[1]) for one in going if (found := RATES.search(one["description"] or "")))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    return client.post(path, json=body).raise_for_status().json()
