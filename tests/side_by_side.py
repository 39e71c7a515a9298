"""Which tests share a worker of pytest-xdist, and in which order workers take them.

With `-n N --dist loadscope` the tests of a module run in one worker, in their order, and modules run side by side. Modules
whose tests use a session fixture that costs a minute are one group, so that it is made once however many workers there
are. What is long goes first: a worker that takes ten minutes of tests last makes all wait.

Tests marked `alone` measure time, or need the machine's cores for themselves: they run by themselves, afterwards.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

# Group -> the costly session fixture and the modules that use it, the longest group first. `operated` is two groups, each
# with a machine of its own: the second kills workers and waits for what comes of it.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "operated": ("operated", ("flows/loop/test_nights", "flows/operation/test_browser", "flows/operation/test_metrics", "flows/operation/test_operation")),
    "operated, killed": ("operated", ("flows/operation/test_ends", "flows/operation/test_soak", "flows/run/test_fleet")),
    "undisturbed": ("undisturbed", ("flows/run/test_faults", "flows/run/test_kill", "flows/run/test_s3_run")),
    "vllm_engine": ("vllm_engine", ("tasks/engines/sampling/test_vllm_engine",)),
}  # fmt: skip
COSTLY = {fixture for fixture, _ in GROUPS.values()}
GROUP_OF = {f"tests/{module}.py": group for group, (_, modules) in GROUPS.items() for module in modules}


def keep_apart(scratch: Path) -> None:
    """A worker of xdist gets a Prefect home of its own: two temporary servers would meet in one SQLite file."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        home = scratch / f"prefect-{worker}"
        home.mkdir(parents=True, exist_ok=True)
        os.environ["PREFECT_HOME"] = str(home)


def arrange(items: list[pytest.Item]) -> None:
    """Put the long groups first; the order within a group stays. A module that is missing above is named."""
    order = [*GROUPS]
    items.sort(key=lambda item: order.index(group) if (group := group_of(item.nodeid)) in GROUPS else len(order))
    for item in items:
        wanted = COSTLY & set(getattr(item, "fixturenames", ()))
        group = GROUPS.get(group_of(item.nodeid))
        if wanted and (group is None or {group[0]} != wanted):
            raise pytest.UsageError(f"{item.nodeid} uses {', '.join(wanted)}: name its module in tests/side_by_side.py")


def group_of(nodeid: str) -> str:
    """The group of a test: its module, or what stands for several."""
    module = nodeid.split("::")[0]
    return GROUP_OF.get(module, module)


def scheduler(config: pytest.Config, log: Any) -> Any:
    """xdist's own by module, with several modules as one where they share what is costly."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)
