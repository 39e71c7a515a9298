"""One stage again: only it is done, by whoever does the run's stages; what it needs is looked up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.config import RunConfig
from flows.loop.rerun import rerun_stage
from flows.run.draws import RangeWork
from flows.run.fleet import Fleet, executor_for
from flows.run.lookup import Lookup
from flows.run.only_stage import OnlyStage, StageName
from flows.run.run import Run, Stages
from flows.run.waves import walk
from flows.stage import stored_config
from tasks.data.problems import store_sets
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy
from tasks.store.artifacts import key_of
from tasks.store.ranges import RangeSamples
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome
from tests.handmade import Direct, make_store, unlooked


@dataclass
class Counted:
    """Does stages directly and notes which."""

    done: list[str]
    keeps_going: bool = False

    def in_flight(self, stages: Stages, ranges: int) -> int:
        return 1

    def base(self, stages: Stages, base: Policy) -> Policy:
        return base

    def stage(self, stages: Stages, stage: Stage, job: Any) -> Outcome:
        self.done.append(job.slot)
        return Direct().stage(stages, stage, job)

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        return walk(stages, work, going)


@dataclass(frozen=True)
class Made:
    """A finished run and who does its stages again."""

    config: RunConfig
    run: Run
    counted: Counted

    def again(self, stage: StageName, iteration: int = 1, *, again: bool = True) -> OnlyStage:
        only = OnlyStage(stage, iteration, self.counted, again=again)
        rerun_stage(self.run, only)
        return only

    def forget(self, slot: str) -> None:
        """As if the artifact at that place had never been made."""
        store = self.run.workspace.store
        recipe = store.read_json(self.run.workspace.places.recipe(slot))
        store.delete(f"{recipe['stage']}/{key_of(recipe)}")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """A finished run that every test gets a copy of."""
    return make_store(tmp_path_factory.mktemp("finished"))[0]


@pytest.fixture
def made(finished: RunConfig, tmp_path: Path) -> Made:
    shutil.copytree(finished.run.store, tmp_path / "store")
    places = {"store": str(tmp_path / "store"), "scratch": str(tmp_path / "scratch")}
    config = finished.model_copy(update={"run": finished.run.model_copy(update=places)})
    checked = unlooked(config)
    assert checked.base is not None
    counted = Counted([])
    stages = Stages(checked.config, checked.workspace, counted)
    return Made(config, Run(stages, store_sets(checked.workspace, checked.sets), checked.base), counted)


@pytest.mark.parametrize(
    ("stage", "place"),
    [("generate", "/train/"), ("verify", "/train/"), ("materialize", "/materialize"), ("finetune", "/finetune"), ("evaluate", "/")],
)  # fmt: skip
def test_only_the_stage_is_done_again_and_comes_out_the_same(made: Made, stage: StageName, place: str) -> None:
    only = made.again(stage)
    assert made.counted.done
    assert all(slot.startswith("iteration-1/") and place in slot for slot in made.counted.done)
    if stage != "evaluate":
        assert all(slot.endswith(stage) for slot in made.counted.done)
    assert only.reruns and all(one.before == one.outcome.ref.digest for one in only.reruns if one.before)


def test_what_is_stored_is_kept_when_asked(made: Made) -> None:
    assert made.again("verify", again=False).reruns == []


@pytest.mark.parametrize(
    ("stage", "missing", "maker"),
    [
        ("verify", "iteration-1/train/range-000/wave-0/generate", "generate"),
        ("materialize", "iteration-1/train/range-000/wave-0/verify", "verify"),
        ("finetune", "iteration-1/materialize", "materialize"),
        ("evaluate", "iteration-1/finetune", "finetune"),
    ],
)
def test_a_missing_input_is_refused_with_the_name_of_its_maker(
    made: Made, stage: StageName, missing: str, maker: str
) -> None:
    made.forget(missing)
    with pytest.raises(UserError, match=f"needs results of {maker} that are not in the store"):
        made.again(stage)


def test_a_failed_rerun_leaves_what_was_there(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Outcome:
        raise OSError("the machine went away")

    monkeypatch.setattr(Direct, "stage", fail)
    with pytest.raises(OSError, match="went away"):
        made.again("materialize")
    assert made.run.workspace.store.lookup("materialize", _key(made, "iteration-1/materialize")) is not None


def _key(made: Made, slot: str) -> str:
    return key_of(made.run.workspace.store.read_json(made.run.workspace.places.recipe(slot)))


@pytest.mark.parametrize("stage", ["generate", "verify", "materialize", "finetune"])
def test_the_base_has_no_stage_but_its_evaluation(made: Made, stage: StageName) -> None:
    with pytest.raises(UserError, match="iteration 0 has no stage"):
        stored_config("small", made.config.run.store, "", stage, 0)
    assert stored_config("small", made.config.run.store, "", "evaluate", 0).run.name == "small"


def test_the_bases_evaluation_is_done_again(made: Made) -> None:
    made.again("evaluate", 0)
    assert made.counted.done and all(slot.startswith("base/test/") for slot in made.counted.done)


def test_a_stage_of_a_fleets_run_is_done_by_the_fleet(made: Made) -> None:
    """The stored config says how the run was executed, and the rerun is given that executor."""
    place = made.run.workspace.places.config
    tree = json.loads(made.run.workspace.store.read_bytes(place))
    tree["run"]["execution"] = "deployments"
    made.run.workspace.store.write_json(place, tree)
    config = stored_config("small", made.config.run.store, "", "verify", 1)
    assert isinstance(executor_for(config), Fleet)


def test_whoever_does_is_asked_for_the_stage_alone_and_a_lookup_makes_nothing(made: Made) -> None:
    """Executors are composed: with a second lookup in the doer's place the same walk finds all and makes nothing."""
    doer = Lookup()
    only = OnlyStage("verify", 1, doer, again=False)
    rerun_stage(made.run, only)
    assert doer.looks and only.lookup.looks
    assert {look.stage for look in doer.looks} == {"verify"}
    assert all(look.outcome is not None for look in doer.looks)
    assert only.reruns == []
