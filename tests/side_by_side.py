"""Which tests share a worker of pytest-xdist, and in which order workers take them.

With `-n N --dist loadgroup` a group of tests runs in one worker, in its order, and whole groups run side by side. A
session fixture that costs a minute makes a group of the tests that use it, so that it is made once however many workers
there are; other tests keep their module together. What is long goes first: a worker that takes ten minutes of tests
last makes all wait.

Tests marked `alone` measure time, or need the machine's cores for themselves: they run by themselves, afterwards.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Session fixtures that bring up servers or engines; the group that takes longest first.
COSTLY = ("operated", "undisturbed", "vllm_engine")
# The longest group is two, each with a machine of its own: these modules kill workers and wait for what comes of it.
SECOND_MACHINE = ("tests/flows/operation/test_ends.py", "tests/flows/run/test_fleet.py")
ORDER = ("operated", "operated again", *COSTLY[1:])


def keep_apart(scratch: Path) -> None:
    """A worker of xdist gets a Prefect home of its own: two temporary servers would meet in one SQLite file."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        os.environ["PREFECT_HOME"] = str(scratch / f"prefect-{worker}")


def arrange(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its group and put the long groups first; the order within a group stays."""
    items.sort(key=lambda item: ORDER.index(group) if (group := group_of(item)) in ORDER else len(ORDER))
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(group_of(item)))


def group_of(item: pytest.Item) -> str:
    """The costly fixture that the test uses, else its module."""
    fixtures, module = getattr(item, "fixturenames", ()), item.nodeid.split("::")[0]
    costly = next((name for name in COSTLY if name in fixtures), module)
    return "operated again" if costly == "operated" and module in SECOND_MACHINE else costly
