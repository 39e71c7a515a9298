"""Where the viewer shows a run, for those who link to it; `restem up` tells its flow runs by two variables."""

from __future__ import annotations

import os

from tasks.domain.run_result import RunResult

URL_VARIABLE, STORE_VARIABLE = "RESTEM_VIEWER_URL", "RESTEM_VIEWER_STORE"


def run_path(name: str) -> str:
    """Return the path of a run's page. Names of runs need no quoting."""
    return f"/run/{name}"


def run_address(store: str, name: str) -> str:
    """Return the address of a run's page; empty where no viewer of that store is known."""
    url, shown = os.environ.get(URL_VARIABLE, ""), os.environ.get(STORE_VARIABLE, "")
    return f"{url}{run_path(name)}" if url and shown and _same(store, shown) else ""


def address_of(result: RunResult) -> str:
    """Return the address of the page of a run that the store holds; empty where no viewer of its store is known."""
    return run_address(str(result.config.get("run", {}).get("store", "")), result.name)


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(store: str) -> str:
    return store.rstrip("/") if "://" in store else os.path.realpath(store)
