"""Nights: what the gate decides, what a budget stops, what becomes of a night that failed, and that the schedule is real."""

from __future__ import annotations

import pytest

from flows.nights import Series
from tasks.artifacts import Store
from tasks.domain.results import PolicyScore
from tasks.domain.schema import Policy
from tasks.manifest import key_of
from tests.operated import Operated
from tests.rig import manifests, recipes

BASE = Policy("base", "/base")


def scored(correct: list[str]) -> PolicyScore:
    return PolicyScore(
        "d", "n", "val", len(correct), sampled_outcomes={f"p{i}": text for i, text in enumerate(correct)}
    )


# ---------------------------------------------------------------- on a real server

PROMOTE = {"least_gain": -1.0}  # recorded samples are the same for every policy, so the gain is zero


@pytest.mark.heavy
def test_the_second_night_samples_from_the_promoted_policy_and_trains_from_the_base(operated: Operated) -> None:
    machine, form = operated.machine, operated.form("series")
    for night in ("2026-01-01", "2026-01-02"):
        ended = machine.do("nightly/nightly", {**form, "nights": {**PROMOTE, "night": night, "history": 2}})
        assert (ended.type, ended.name) == ("COMPLETED", "Completed"), ended
        assert "promote" in ended.message
    store = Store(form["config"]["run"]["store"])
    first, second = (Series(store, "series").get(night) for night in ("2026-01-01", "2026-01-02"))
    assert first is not None and second is not None
    assert first.sampled.digest == "" and second.sampled.digest == first.policy != ""
    drawn = recipes(store, "series-2026-01-02")["iteration-1/train/range-000/wave-0/generate"]
    assert (drawn["policy"], drawn["draw"]) == (first.policy, "2026-01-02")
    trainings = [recipes(store, f"series-{night}")["iteration-1/finetune"] for night in ("2026-01-01", "2026-01-02")]
    assert trainings[0]["start"] == trainings[1]["start"] != first.policy
    rows = sorted(one["rows"] for one in manifests(store, "materialize").values())
    assert rows[1] > rows[0]  # the second night trained on both nights' samples
    promoted = store.read_json("promoted/series.json")
    assert promoted["policy_digest"] == second.policy
    said = machine.until(
        lambda: [one for one in operated.webhook.said if "has a new policy" in one][1:], 60, "two promotions"
    )
    assert said


@pytest.mark.heavy
def test_a_night_whose_tokens_are_spent_trains_on_what_it_has_and_says_so(operated: Operated) -> None:
    form = operated.form("thrifty", generate={"ranges_in_flight": 1})
    nights = {"tokens": drawn_for(operated, "base/test/") + 1, "night": "2026-01-01", **PROMOTE}  # and the first wave
    ended = operated.machine.do("nightly/nightly", {**form, "nights": nights})
    assert (ended.type, ended.name) == ("COMPLETED", "BudgetReached"), ended
    names = operated.machine.ended_task_runs(ended.id)
    assert "iteration-1/finetune" in names
    assert not [name for name in names if "train/range-001" in name or "train/range-000/wave-1" in name]


def drawn_for(operated: Operated, place: str) -> int:
    """Tokens that the finished run `small` drew there."""
    store = Store(str(operated.store))
    drawn = [recipe for slot, recipe in recipes(store).items() if slot.startswith(place) and slot.endswith("/generate")]
    return sum(manifests(store, "generate")[key_of(recipe)]["meta"]["tokens_drawn"] for recipe in drawn)


def runs_of(operated: Operated, deployment: dict[str, str], state: str) -> list[dict]:  # type: ignore[type-arg]
    wanted = {
        "flow_runs": {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": [state]}}}, "limit": 5,
    }  # fmt: skip
    found: list[dict] = operated.machine.post("/flow_runs/filter", wanted)  # type: ignore[type-arg]
    return [one for one in found if one["auto_scheduled"]]
