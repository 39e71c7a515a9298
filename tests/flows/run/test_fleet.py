"""`run.execution = "deployments"`: an orchestrator and two workers with nothing in common but the server and S3."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tasks.store.artifacts import Store
from tests.command import ROOT, command_of
from tests.flows.run.test_kill import assert_each_index_once
from tests.machine import FLOW_RUN, Machine
from tests.operated import Operated
from tests.s3 import BUCKET

pytestmark = pytest.mark.heavy

NAME = "fleet"
# a real engine process per range; its model solves nothing, so rows count whatever their reward
FORM: dict[str, Any] = {
    "run": {"name": NAME, "store": f"s3://{BUCKET}/fleet", "execution": "deployments"},
    "data": {"train": {"limit": 20}, "val": {"limit": 4}, "test": {"limit": 8}},
    "generate": {"waves": [4], "max_tokens": 24, "range_size": 4}, "engine": {"kind": "hf", "replay_path": None},
    "materialize": {"accept": "any", "accept_truncated": True}, "evaluate": {"samples": 0, "max_tokens": 24},
}  # fmt: skip


@contextmanager
def second_worker(machine: Machine, folder: Path, **more: str) -> Iterator[psutil.Popen]:
    """Another worker of the pool gpu, as another machine would run it: a scratch folder of its own, not ours to keep.

    It takes one job at a time and looks more often than the machine's own, which would take all that there are. `more` is laid
    over its environment and that of its jobs.
    """
    environment = {
        **os.environ, **machine.environment, "PREFECT_API_URL": machine.url,
        "PREFECT_HOME": str(folder / "prefect"), "RESTEM_SCRATCH": str(folder / "scratch"), "PREFECT_WORKER_QUERY_SECONDS": "0.5",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30", **more,
    }  # fmt: skip
    prefect = [sys.executable, "-m", "prefect", "worker", "start", "--type", "process"]
    argv = [*prefect, "--pool", "gpu", "--name", "second", "--limit", "1"]
    with (folder / "second.log").open("ab") as log:
        worker = psutil.Popen(
            argv, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield worker
    finally:
        worker.kill()  # its runs end with it
        worker.wait(40)


def jobs_of(worker: psutil.Process) -> list[psutil.Process]:
    return [one for one in worker.children() if "prefect.engine" in command_of(one)]


def records(store: Store, run: str = NAME) -> list[dict[str, Any]]:
    """When and where each finished job was done."""
    return [store.read_json(f"runs/{run}/jobs/{name}") or {} for name in store.listdir(f"runs/{run}/jobs")]


@contextmanager
def held_at_a_range(
    machine: Machine, worker: psutil.Popen, store: Store, run: str = NAME
) -> Iterator[list[psutil.Process]]:
    """That worker in the middle of a train range, and another worker has ended a range meanwhile: both work at the same time.

    What its job started is stopped until then: on a busy machine a range may be over before the other worker begins its own.
    """

    def below(processes: list[psutil.Process]) -> list[psutil.Process]:
        """All but the guard, which ends them when the worker is killed."""
        return [one for one in processes[1:] if "tasks.processes.guard" not in command_of(one)]

    def another_ended() -> bool:
        ranges = [one for one in records(store, run) if "/range-" in one["name"]]
        return any(one["worker"] != worker.pid and one["ended"] > job.create_time() for one in ranges)

    def at_work() -> list[psutil.Process]:
        found = train_jobs(machine, worker)
        return [found[0], *below(found)] if below(found) else []

    job, *held = machine.until(at_work, 400, "the second worker to take a train range")
    for one in held:
        one.suspend()
    try:
        machine.until(another_ended, 400, "another worker to end a range beside it")
        yield [job, *held]
    finally:
        for one in held:
            with suppress(psutil.NoSuchProcess):  # it was killed
                one.resume()


@pytest.mark.timeout(1500)
def test_ranges_spread_over_workers_and_a_killed_one_costs_only_its_own(
    operated: Operated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in operated.s3.environment.items():
        monkeypatch.setenv(name, value)
    machine, form = operated.machine, operated.form(NAME, **FORM)
    with second_worker(machine, tmp_path) as doomed:
        flow_run = machine.start("self-train/self-train-fleet", form | {"settings": []})
        with held_at_a_range(machine, doomed, Store(f"s3://{BUCKET}/fleet")) as started:
            doomed.kill()
            machine.until(lambda: not any(one.is_running() for one in started), 60, "its flow runs to end with it")
    first = machine.finish(flow_run)
    assert first.type == "FAILED", first
    assert first.message.startswith("range: ")
    with second_worker(machine, tmp_path):
        again = machine.retry(flow_run)
    assert again.type == "COMPLETED", again
    store = Store(f"s3://{BUCKET}/fleet")
    assert_each_index_once(store)
    assert "Cached" in machine.ended_task_runs(flow_run, 2).values()
    assert_engines_apart(records(store))
    trained = [one for one in records(store) if one["name"].endswith("finetune")]
    assert len(trained) == 1
    a_stage_of_it_is_done_by_the_fleet(machine, store)


def a_stage_of_it_is_done_by_the_fleet(machine: Machine, store: Store) -> None:
    """Grading again is work for workers, which take turns at the device; the orchestrator only asks."""
    before = {one["name"] for one in records(store)}
    again = {"run": NAME, "stage": "verify", "iteration": 1, "store": f"s3://{BUCKET}/fleet"}
    ended = machine.do("stage/stage", again)
    assert ended.type == "COMPLETED", ended
    fresh = {one["name"] for one in records(store)} - before
    assert fresh and all(name.endswith("/verify") and "iteration-1/train/" in name for name in fresh), fresh
    assert "the same" in machine.artifacts(ended.id)[f"stage-{NAME}-verify-1"]["data"]


# Recorded answers: a night has seven phases in a row, and each job of an engine would take half a minute to start one.
NIGHT: dict[str, Any] = {
    "data": FORM["data"], "generate": {"waves": [4], "range_size": 4}, "evaluate": {"samples": 0},
    "run": {"name": "fleet-night", "store": f"s3://{BUCKET}/fleet-night", "execution": "deployments"},
}  # fmt: skip


@pytest.mark.timeout(1500)
def test_a_night_on_a_fleet_goes_on_after_a_killed_worker_and_keeps_its_budget(
    operated: Operated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in operated.s3.environment.items():
        monkeypatch.setenv(name, value)
    machine, store = operated.machine, Store(NIGHT["run"]["store"])
    form = {**operated.form("fleet-night", **NIGHT), "settings": []}

    def night(date: str, **nights: Any) -> str:
        settings = {"night": date, "least_gain": -1.0, **nights}
        return machine.start("nightly/nightly-fleet", {**form, "nights": settings})

    with second_worker(machine, tmp_path):
        thrifty = machine.finish(
            night("2026-01-01", tokens=160)
        )  # the base's evaluation takes 144: train ranges are begun
    assert (thrifty.type, thrifty.name) == ("COMPLETED", "BudgetReached"), thrifty
    record = store.read_json("nights/fleet-night/2026-01-01.json") or {}
    assert record["status"] == "budget" and 0 < len(record["ranges"]) < 5, record

    hung = tmp_path / "hung"  # in the middle of a train range, because the base has been evaluated
    hangs = {"RESTEM_FAILPOINTS": "generate.flushed:1=hang", "RESTEM_FAILPOINTS_ONCE": str(hung)}
    with second_worker(machine, tmp_path, **hangs) as doomed:
        flow_run = night("2026-01-02")
        machine.until(hung.exists, 400, "the second worker to be in a train range")
        jobs = jobs_of(doomed)
        doomed.kill()
        machine.until(lambda: not any(one.is_running() for one in jobs), 60, "its flow runs to end with it")
        first = machine.finish(flow_run)
    assert first.type == "FAILED", first
    assert (store.read_json("nights/fleet-night/2026-01-02.json") or {})["status"] == "failed"

    ended = machine.finish(night("2026-01-03"))
    assert ended.type == "COMPLETED" and ended.message.startswith("night 2026-01-02: promoted"), ended
    assert_each_index_once(store)


def train_jobs(machine: Machine, worker: psutil.Process) -> list[psutil.Process]:
    """Flow runs of that worker that sample train problems, with their engines."""
    found = []
    for one in jobs_of(worker):
        with suppress(psutil.Error):  # it ended meanwhile
            name = machine.run(one.environ()[FLOW_RUN])["name"]
            if "/train/" in name and one.children(recursive=True):
                found += [one, *one.children(recursive=True)]
    return found


def assert_engines_apart(done: list[dict[str, Any]]) -> None:
    """Every range had an engine process of its own."""
    ranges = [one for one in done if "/range-" in one["name"]]
    assert ranges and len({tuple(one["engines"]) for one in ranges}) == len(ranges)
