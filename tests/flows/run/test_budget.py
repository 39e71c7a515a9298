"""What a night has spent stands in the store, so that everybody who works for it agrees."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flows.run.budget import Budget, Limits
from flows.run.draws import Draws
from flows.run.preflight import workspace_of
from tasks.domain.schema import Policy, Sampling
from tasks.store.slots import Slot
from tasks.store.workspace import Workspace
from tests.handmade import make_store
from tests.rig import manifests

ANY: Any = None
LONG_AGO = 0.0
TRAIN = Draws(Slot.of(1, "train"), Policy("p", "/p"), ANY, Sampling(), ((0, 1),), capped=True)
TEST = Draws(Slot.of(1, "test"), Policy("p", "/p"), ANY, Sampling(), ((0, 1),))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    config, _ = make_store(tmp_path_factory.mktemp("spent"))
    return workspace_of(config)


def budget(workspace: Workspace, **limits: float | None) -> Budget:
    wanted: Any = {"tokens": None, "hours": None, "disk_gib": None, "since": LONG_AGO, "began": time.time()} | limits
    return Budget.of(Limits(**wanted), workspace)


def drawn(workspace: Workspace) -> int:
    return sum(one["meta"]["tokens_drawn"] for one in manifests(workspace.store, "generate").values())


def test_tokens_are_those_of_the_runs_stored_draws(workspace: Workspace) -> None:
    assert budget(workspace, tokens=10**9).tokens() == drawn(workspace) > 0


def test_what_was_drawn_before_the_night_began_is_not_its_spending(workspace: Workspace) -> None:
    assert budget(workspace, tokens=1, since=time.time() + 60).tokens() == 0


def test_nothing_is_counted_twice(workspace: Workspace) -> None:
    one = budget(workspace, tokens=10**9)
    assert one.tokens() == one.tokens() == drawn(workspace)


@pytest.mark.parametrize(
    ("limits", "limit", "trains"),
    [({"tokens": 1}, "tokens", True), ({"hours": 1e-9, "began": 0.0}, "hours", False), ({"disk_gib": -1.0}, "disk", False)],
)  # fmt: skip
def test_spent_tokens_leave_room_for_training_spent_time_and_disk_do_not(
    workspace: Workspace, limits: dict[str, float], limit: str, trains: bool
) -> None:
    one = budget(workspace, **limits)
    spent = one.spent()
    assert spent is not None and spent.limit == limit
    assert one.allows_training() is trains
    assert not one.goes_on(TRAIN)


def test_an_evaluation_is_never_cut_short(workspace: Workspace) -> None:
    assert budget(workspace, tokens=1).goes_on(TEST)


def test_without_limits_everything_goes_on(workspace: Workspace) -> None:
    one = budget(workspace)
    assert one.spent() is None and one.allows_training() and one.goes_on(TRAIN) and not one.limits.any
