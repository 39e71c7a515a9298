"""Ranges side by side: order, failures, and who may begin another wave."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.run.draws import Draws, RangeWork
from flows.run.preflight import workspace_of
from flows.run.run import NotStored, Stages
from flows.run.waves import drive
from tasks.domain.schema import Policy, Sampling
from tasks.store.ranges import RangeSamples
from tasks.store.slots import Slot
from tests.rig import small_config

ANY: Any = None
REFS = ((ANY, ANY),)


class Scripted:
    """An executor whose ranges do what the test says."""

    def __init__(
        self, act: Callable[[RangeWork, Callable[[], bool]], RangeSamples], *, keeps_going: bool = False
    ) -> None:
        self.act, self.keeps_going = act, keeps_going

    def in_flight(self, stages: Stages, ranges: int) -> int:
        return 2

    def base(self, stages: Stages, base: Policy) -> Policy:
        return base

    def stage(self, stages: Stages, stage: Any, job: Any) -> Any:
        raise AssertionError("ranges only")

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        return self.act(work, going)


def driven(folder: Path, executor: Scripted, count: int) -> list[RangeSamples]:
    config = small_config(folder, folder)
    draws = Draws(Slot.of(1, "train"), Policy("p", "/p"), ANY, Sampling(), ((0, 1),))
    works = [RangeWork(draws, number, (str(number),)) for number in range(count)]
    return drive(Stages(config, workspace_of(config), executor), works)


def test_results_keep_the_order_of_the_ranges_whoever_is_first(tmp_path: Path) -> None:
    second_is_done = threading.Event()

    def act(work: RangeWork, _: Callable[[], bool]) -> RangeSamples:
        if work.number == 0:
            assert second_is_done.wait(30)
        elif work.number == 1:
            second_is_done.set()
        return RangeSamples(work.ids, REFS)

    assert [one.ids for one in driven(tmp_path, Scripted(act), 5)] == [(str(n),) for n in range(5)]


def test_after_a_failure_nothing_is_begun_and_what_is_in_flight_is_told_to_stop(tmp_path: Path) -> None:
    begun: list[int] = []
    other_runs, told = threading.Event(), threading.Event()

    def act(work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        begun.append(work.number)
        if work.number == 0:
            assert other_runs.wait(30)
            raise OSError("the engine died")
        other_runs.set()
        while going():
            pass
        told.set()
        return RangeSamples(work.ids, REFS)

    with pytest.raises(OSError, match="the engine died"):
        driven(tmp_path, Scripted(act), 8)
    assert told.is_set() and sorted(begun) == [0, 1]


def test_whoever_keeps_going_sees_every_range(tmp_path: Path) -> None:
    seen: list[int] = []

    def act(work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        seen.append(work.number)
        raise NotStored("generate", str(work.slot), "the sampling is new") if work.number != 2 else OSError("no store")

    with pytest.raises(OSError, match="no store"):  # a real failure is told before a look-up without a result
        driven(tmp_path, Scripted(act, keeps_going=True), 4)
    assert sorted(seen) == [0, 1, 2, 3]


def test_a_range_of_which_nothing_was_begun_is_left_out(tmp_path: Path) -> None:
    def act(work: RangeWork, _: Callable[[], bool]) -> RangeSamples:
        return RangeSamples(work.ids, REFS if work.number % 2 else ())

    assert [one.ids for one in driven(tmp_path, Scripted(act), 4)] == [("1",), ("3",)]
