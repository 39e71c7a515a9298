"""Nights: what the gate decides, what a budget stops, what becomes of a night that failed, and that the schedule is real."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from flows.loop.gate import gate
from flows.loop.series import NightSettings, Series
from flows.stored.nights import Night
from tasks.domain.run_result import PolicyScore
from tasks.domain.schema import Policy
from tasks.store.artifacts import Store
from tasks.store.manifest import key_of
from tests.operated import Operated
from tests.rig import manifests, recipes

BASE = Policy("base", "/base")


def scored(correct: list[str]) -> PolicyScore:
    return PolicyScore(
        "d", "n", "val", len(correct), sampled_outcomes={f"p{i}": text for i, text in enumerate(correct)}
    )


@pytest.mark.parametrize(
    ("new", "old", "decision"),
    [
        (["11"] * 40, ["00"] * 40, "promote"),
        (["00"] * 40, ["11"] * 40, "stop"),
        (["10"] * 40, ["01"] * 40, "hold"),
        (["11"] * 21 + ["00"] * 19, ["11"] * 19 + ["00"] * 21, "hold"),
    ],
)
def test_the_gate_promotes_holds_or_stops_by_the_paired_interval(new: list[str], old: list[str], decision: str) -> None:
    assert gate(scored(new), scored(old), NightSettings()).decision == decision


def test_a_series_that_may_not_stop_holds() -> None:
    verdict = gate(scored(["00"] * 40), scored(["11"] * 40), NightSettings(stop_when_worse=False))
    assert verdict.decision == "hold"


def test_a_failed_night_is_resumed_by_the_next_one(tmp_path: Path) -> None:
    series = Series(Store(str(tmp_path)), "s")
    series.put(Night("2026-01-01", "failed", BASE))
    assert series.begin("2026-01-02", BASE, NightSettings(if_failed="resume")).night == "2026-01-01"
    assert series.get("2026-01-02") is None


def test_a_failed_night_is_dropped_where_the_setting_says_so(tmp_path: Path) -> None:
    series = Series(Store(str(tmp_path)), "s")
    series.put(Night("2026-01-01", "running", BASE))
    assert series.begin("2026-01-02", BASE, NightSettings(if_failed="drop")).night == "2026-01-02"
    dropped = series.get("2026-01-01")
    assert dropped is not None and dropped.status == "dropped"


def test_a_retry_of_the_same_night_goes_on_with_it(tmp_path: Path) -> None:
    series = Series(Store(str(tmp_path)), "s")
    first = series.put(Night("2026-01-02", "failed", Policy("promoted", "/p")))
    again = series.begin("2026-01-02", BASE, NightSettings(if_failed="drop"))
    assert again.sampled == first.sampled


def test_history_counts_nights_that_have_samples(tmp_path: Path) -> None:
    from tasks.store.ranges import RangeSamples

    series = Series(Store(str(tmp_path)), "s")
    for day, status in (("01", "held"), ("02", "dropped"), ("03", "promoted")):
        series.put(Night(f"2026-01-{day}", status, BASE, ranges=(RangeSamples((day,), ()),)))
    night = series.put(Night("2026-01-04", "running", BASE))
    assert [one.ids for one in series.earlier_ranges(night, 0)] == []
    assert [one.ids for one in series.earlier_ranges(night, 1)] == [("03",)]
    assert [one.ids for one in series.earlier_ranges(night, 5)] == [("01",), ("03",)]


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
    assert first.sampled is None, "the base"
    assert second.sampled is not None and second.sampled.digest == first.policy != ""
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


@pytest.mark.heavy
def test_a_killed_night_does_not_block_the_next_which_finishes_it(operated: Operated) -> None:
    """Nights run one at a time, a second one is cancelled: a zombie that counted as running would cancel all."""
    machine, form = operated.machine, operated.form("killed-night")
    hang = {"RESTEM_FAILPOINTS": "materialize.start:1=hang"}
    killed = machine.start("nightly/nightly", {**form, "nights": {"night": "2026-01-01"}}, **hang)
    machine.until(
        lambda: machine.task_runs(killed).get("iteration-1/materialize") == "Running", 300, "the night to run"
    )
    machine.worker_of(killed).kill()
    assert machine.finish(killed, 120).type == "CRASHED"
    assert machine.run(killed)["name"] == "killed-night-2026-01-01"
    assert f"host {platform.node()}" in noticed(operated, killed, "killed-night-2026-01-01 crashed")
    ended = machine.do("nightly/nightly", {**form, "nights": {"night": "2026-01-02"}})
    assert (ended.type, ended.name) == ("COMPLETED", "Completed"), ended
    assert ended.message.startswith("night 2026-01-01: ")
    assert machine.ended_task_runs(ended.id)["iteration-1/train/range-000/wave-0/generate"] == "Cached"


def drawn_for(operated: Operated, place: str) -> int:
    """Tokens that the finished run `small` drew there."""
    store = Store(str(operated.store))
    drawn = [recipe for slot, recipe in recipes(store).items() if slot.startswith(place) and slot.endswith("/generate")]
    return sum(manifests(store, "generate")[key_of(recipe)]["meta"]["tokens_drawn"] for recipe in drawn)


@pytest.mark.heavy
def test_the_schedule_makes_runs_and_cancels_a_second_one_while_one_runs(operated: Operated) -> None:
    machine = operated.machine
    deployment = machine.deployment("nightly/nightly")
    (schedule,) = deployment["schedules"]
    assert not schedule["active"]
    machine.call("PATCH", f"/deployments/{deployment['id']}", {
        "parameters": operated.form("scheduled"), "job_variables": {"env": {"RESTEM_FAILPOINTS": "generate.start:1=hang"}},
    })  # fmt: skip
    path = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
    machine.call("PATCH", path, {"active": True, "schedule": {"cron": "* * * * *", "timezone": "Europe/Zurich"}})
    try:
        first = machine.until(lambda: runs_of(operated, deployment, "RUNNING"), 300, "a scheduled run")
        assert first[0]["auto_scheduled"]
        machine.until(lambda: machine.processes(first[0]["id"]), 120, "its process")
        second = machine.until(lambda: runs_of(operated, deployment, "CANCELLED"), 300, "a cancelled run")
        assert "concurrency limit" in second[0]["state"]["message"].lower()
        # A run that was scheduled minutes ago tells of its end late: Prefect waits a quarter of an hour for an event of its
        # beginning, which its scheduler never sent. One that was scheduled a day ago, or by hand, tells at once.
        by_hand = machine.do("nightly/nightly", operated.form("scheduled"))
        assert by_hand.type == "CANCELLED", by_hand
    finally:
        machine.call("PATCH", path, {"active": False})
        # Prefect takes an empty `job_variables` for none given, and the failpoint would stay for every night after
        machine.call("PATCH", f"/deployments/{deployment['id']}", {"parameters": {}, "job_variables": {"env": {}}})
    assert machine.deployment("nightly/nightly")["job_variables"] == {"env": {}}
    machine.cancel(first[0]["id"])
    assert machine.finish(first[0]["id"], 120).type == "CANCELLED"
    noticed(operated, by_hand.id, "was cancelled")


def noticed(operated: Operated, flow_run: str, words: str) -> str:
    """The notice with these words, which links to the flow run."""

    def said() -> list[str]:
        return [one for one in operated.webhook.said if words in one and f"/runs/flow-run/{flow_run}" in one]

    return str(operated.machine.until(said, 60, f"a notice of {flow_run}: {operated.webhook.said}")[0])


def runs_of(operated: Operated, deployment: dict[str, str], state: str) -> list[dict]:  # type: ignore[type-arg]
    wanted = {
        "flow_runs": {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": [state]}}}, "limit": 5,
    }  # fmt: skip
    found: list[dict] = operated.machine.post("/flow_runs/filter", wanted)  # type: ignore[type-arg]
    return [one for one in found if one["auto_scheduled"]]


def test_night_settings_say_what_is_wrong() -> None:
    from flows.nightly import night_settings
    from tasks.domain.errors import UserError

    with pytest.raises(UserError, match="timezone"):
        night_settings({"timezone": "Mars/Olympus"})
    with pytest.raises(UserError, match="history"):
        night_settings({"history": 0})
    assert json.loads(night_settings({"night": "x"}).model_dump_json())["night"] == "x"
