"""Several policies on the same problems: on a fleet their ranges are in flight together, and each score is its policy's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flows.loop.evaluation import Scoring, evaluate_policies
from flows.run.draws import RangeWork
from flows.run.run import Run, Stages
from tasks.data.problems import store_sets
from tasks.domain.errors import StageFailed
from tasks.store.ranges import RangeSamples
from tasks.store.slots import Slot
from tests.handmade import Direct, made_up_base, unlooked
from tests.month import month_config

FIRST, SECOND = Slot.of(1, "gate", "new"), Slot.of(1, "gate", "promoted")


class Fleetlike(Direct):
    """Every range is in flight; `driven` has how many ranges were driven together."""

    def __init__(self) -> None:
        self.driven: list[int] = []

    def in_flight(self, stages: Stages, ranges: int) -> int:
        self.driven.append(ranges)
        return ranges


class AllAtOnce(Fleetlike):
    """Ranges of the first policy end after one of the second has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.second_began = threading.Event()

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        if str(work.slot).startswith(str(SECOND)):
            self.second_began.set()
        assert self.second_began.wait(60), "the second policy waits for the first one's end"
        return super().range(stages, work, going)


def test_policies_on_a_fleet_are_evaluated_side_by_side_and_each_gets_its_own_score(tmp_path: Path) -> None:
    run = run_of(tmp_path, AllAtOnce())
    other = replace(run.base, digest="another", name="another")
    skilled(run, {run.base.digest: 2, "another": 0})
    new, old = evaluate_policies(
        run, [Scoring(run.base, FIRST), Scoring(other, SECOND)], run.problems.val, val=True, draw="gate"
    )
    assert new.sampled is not None and old.sampled is not None
    assert new.sampled.value > 0.6 > 0.4 > old.sampled.value


def test_equal_weights_are_drawn_from_once(tmp_path: Path) -> None:
    """Both would draw the same indices of the same problems, and one would be thrown away."""
    run = run_of(tmp_path, executor := Fleetlike())
    skilled(run, {run.base.digest: 1})
    new, old = evaluate_policies(
        run, [Scoring(run.base, FIRST), Scoring(run.base, SECOND)], run.problems.val, val=True, draw="gate"
    )
    assert new == old
    ranges = len(new.sampled_means()) // run.config.generate.range_size + 1
    assert executor.driven == [ranges, ranges], "one after the other"
    drawn = [one for one in run.journal.outcomes if one.ref.uri.split("/")[-3] == "generate"]
    assert [one.cached for one in drawn] == [False] * (len(drawn) // 2) + [True] * (len(drawn) // 2)


class Unfinished(Fleetlike):
    """A range of the first policy is left without samples."""

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        if str(work.slot).startswith(str(FIRST)) and work.number == 0:
            return RangeSamples(work.ids, ())
        return super().range(stages, work, going)


def test_no_policy_is_scored_with_the_ranges_of_another_when_one_was_left_undone(tmp_path: Path) -> None:
    run = run_of(tmp_path, Unfinished())
    other = replace(run.base, digest="another", name="another")
    skilled(run, {run.base.digest: 2, "another": 0})
    with pytest.raises(StageFailed, match=r"1 of [0-9]+ ranges of an evaluation were left without samples"):
        evaluate_policies(
            run, [Scoring(run.base, FIRST), Scoring(other, SECOND)], run.problems.val, val=True, draw="gate"
        )
    assert scored_policies(run) == ["another"], "whose ranges are whole"


class Refused(Fleetlike):
    """A range of one of the policies fails; as on a fleet, the others are worked on all the same."""

    keeps_going = True

    def __init__(self, slot: Slot) -> None:
        super().__init__()
        self.slot = slot

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        if str(work.slot).startswith(str(self.slot)) and work.number == 0:
            raise StageFailed("no engine")
        return super().range(stages, work, going)


@pytest.mark.parametrize("slot", [FIRST, SECOND])
def test_an_epoch_is_scored_although_another_one_fails(slot: Slot, tmp_path: Path) -> None:
    """And the next attempt finds the score, while it is the failure that is raised."""
    run = run_of(tmp_path, Refused(slot))
    other = replace(run.base, digest="another", name="another")
    wanted = [Scoring(run.base, FIRST), Scoring(other, SECOND)]
    skilled(run, {run.base.digest: 2, "another": 0})
    with pytest.raises(StageFailed, match="no engine"):
        evaluate_policies(run, wanted, run.problems.val, val=True)
    assert scored_policies(run) == [one.policy.digest for one in wanted if one.slot != slot]
    run.journal.take()
    again = Run(replace(run.stages, executor=Fleetlike()), run.problems, run.base)
    assert len(evaluate_policies(again, wanted, run.problems.val, val=True)) == 2
    found = [one.cached for one in again.journal.outcomes if "/evaluate/" in one.ref.uri]
    assert sorted(found) == [False, True]


def scored_policies(run: Run) -> list[str]:
    """The digests of those that have a score on record."""
    refs = [one.ref for one in run.journal.outcomes if "/evaluate/" in one.ref.uri]
    return [str(run.workspace.store.manifest_of(ref).recipe["policy"]) for ref in refs]


def run_of(folder: Path, executor: Direct) -> Run:
    checked = unlooked(month_config(folder, made_up_base(folder / "base")))
    assert checked.base is not None
    return Run(
        Stages(checked.config, checked.workspace, executor), store_sets(checked.workspace, checked.sets), checked.base
    )


def skilled(run: Run, skills: dict[str, int]) -> None:
    """Which recorded skill answers for the policy of a digest."""
    folder = Path(str(run.config.engine.replay_path))
    (folder / "skills.json").write_text(json.dumps(skills))
    (folder / "tonight.json").write_text(json.dumps({"skill": 0, "date": "2026-01-01"}))
