"""What sweeps make of runs that nobody works on: ended, or begun again; and what somebody changes meanwhile is never overwritten."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest

from flows.operation.orphans import crash_orphans, end_cancelled
from flows.operation.our_runs import OURS, TAKER
from flows.operation.server.keeper import read_machine
from flows.operation.sweep import sweep
from flows.operation.unbegun import (
    AGAIN,
    HANDED_BACK,
    INTERNAL,
    MOST_HANDED_BACK,
    NOT_BEGUN,
    begin_again,
    hand_back,
)
from tests.command import command_of
from tests.machine import FLOW_RUN, Machine, machine_up

pytestmark = pytest.mark.heavy

EXITED = {"type": "CRASHED", "message": "Flow run process exited with non-zero status code 1."}  # as a worker says it


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine_up(tmp_path_factory.mktemp("sweeps"), ["cpu"]) as up:
        yield up


def test_a_run_that_no_worker_started_is_ended_and_locks_nobody_out(machine: Machine) -> None:
    """As `restem down` leaves a run that a worker had taken and not started: in Submitting, under its deployment's limit."""
    nightly = machine.deployment("nightly/nightly")
    limit = f"/v2/concurrency_limits/{nightly['global_concurrency_limit']['name']}"
    caught, cancelling = (machine.post(f"/deployments/{nightly['id']}/create_flow_run", {})["id"] for _ in range(2))
    set_state(machine, caught, {"type": "PENDING", "name": "Submitting"}, force=False)
    set_state(machine, cancelling, {"type": "PENDING", "name": "Submitting"}, force=True)
    set_state(machine, cancelling, {"type": "CANCELLING"}, force=True)
    assert machine.get(limit)["active_slots"] == 1
    with machine.prefect_client() as client:
        assert not sweep(client)  # a worker may be about to start them
        assert len(sweep(client, unseen_s=0.0)) == 2
    ended = machine.finish(caught, 1)
    assert ended.type == "CRASHED" and "Retry starts it" in ended.message
    assert machine.finish(cancelling, 1).type == "CANCELLED"
    assert machine.get(limit)["active_slots"] == 0


def test_a_run_that_its_worker_took_and_did_not_start_is_taken_by_the_next(machine: Machine) -> None:
    """As a worker that is killed between taking a run and starting it leaves it: in Submitting, labelled by the worker."""
    name = f"{platform.node()}-cpu"
    caught, given_up = (taken_by(machine, name, handed) for handed in (0, MOST_HANDED_BACK))
    worker = next(one for one in psutil.process_iter() if is_worker(one, machine, name))
    worker.kill()
    ended = machine.finish(caught, 120)
    assert ended.type == "COMPLETED", ended
    assert AGAIN in [one["message"] for one in machine.get(f"/flow_run_states/?flow_run_id={caught}")]
    assert machine.run(given_up)["state"]["name"] == "Submitting", (
        "it was tried often enough, and is ended after a while"
    )
    machine.call("DELETE", f"/flow_runs/{given_up}")


def test_a_run_whose_process_ended_before_it_had_begun_is_scheduled_anew_and_no_other(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker tells it of a run that found no server; one that ran may have been told why it ended, a job is sent again by its run."""
    crashed = {"type": "CRASHED", "message": "somebody's reason"}
    unbegun, given_up = (crashed_after(machine, [EXITED], handed_back=times) for times in (0, MOST_HANDED_BACK))
    others = [
        given_up,
        crashed_after(machine, [crashed]),
        crashed_after(machine, [{"type": "RUNNING"}, EXITED]),
        crashed_after(machine, [EXITED], tags=[INTERNAL]),
    ]
    with machine.prefect_client() as client:
        assert not list(begin_again(client))  # a worker that has taken it again may be starting it
        monkeypatch.setattr("flows.operation.unbegun.BEGUN_S", 0.0)
        sweep(client)  # the keeper does it too, every minute
    assert has_said(machine, unbegun, NOT_BEGUN)
    assert machine.finish(unbegun, 120).type == "COMPLETED"
    assert {machine.run(one)["state"]["type"] for one in others} == {"CRASHED"}


def test_a_run_that_a_worker_takes_while_it_is_looked_at_is_left_to_that_worker(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sweep, or a person's Retry, was faster: what this one has read of the run is stale."""
    monkeypatch.setattr("flows.operation.unbegun.BEGUN_S", 0.0)
    runs = [crashed_after(machine, [EXITED]) for _ in range(3)]
    with machine.prefect_client() as client:
        stale = all_is_stale(monkeypatch, client, runs)
        set_state(machine, runs[0], {"type": "PENDING"}, force=True)
        set_state(machine, runs[1], {"type": "RUNNING"}, force=True)
        assert list(begin_again(client)) == [stale[UUID(runs[2])].name]
    assert [machine.run(run)["state"]["type"] for run in runs[:2]] == ["PENDING", "RUNNING"]
    assert machine.finish(runs[2], 120).type == "COMPLETED"
    for run in runs[:2]:
        machine.call("DELETE", f"/flow_runs/{run}")


def test_what_a_lost_worker_had_taken_is_left_to_whoever_has_it_by_now(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that this sweep has read is stale: each run has come to another state since, right before its own is to be changed."""
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}
    came = {
        "PENDING": [
            later,
            {"type": "PENDING"},
        ],  # given back by another sweep, and taken by a worker that has not labelled it yet
        "RUNNING": [{"type": "RUNNING"}],
        "CANCELLED": [{"type": "CANCELLED"}],
        "FAILED": [{"type": "FAILED"}],
        "SCHEDULED": [later],
    }
    runs = {name: taken_by(machine, "gone-cpu", 0) for name in (*came, "unchanged")}
    with machine.prefect_client() as client:
        stale = all_is_stale(monkeypatch, client, list(runs.values()))
        for name, states in came.items():
            for state in states:
                set_state(machine, runs[name], state, force=True)
        assert list(hand_back(client, "gone-cpu", time.time())) == [stale[UUID(runs["unchanged"])].name]
    assert {name: machine.run(runs[name])["state"]["type"] for name in came} == {name: name for name in came}
    assert not any(has_said(machine, runs[name], AGAIN) for name in came)
    assert machine.finish(runs.pop("unchanged"), 120).type == "COMPLETED"
    for run in runs.values():
        machine.call("DELETE", f"/flow_runs/{run}")


def test_a_run_that_went_on_or_ended_while_it_was_looked_at_is_not_crashed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what ends in the last moment, after the run was read again, the server's rules take care."""
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}
    states: dict[str, Any] = {
        name: {"type": name} for name in ("RUNNING", "COMPLETED", "FAILED", "CANCELLED", "PENDING")
    }
    states["SCHEDULED"] = later
    with machine.prefect_client() as client:
        for names, read_again in ((states.keys(), True), ({"COMPLETED", "FAILED", "CANCELLED"}, False)):
            with monkeypatch.context() as patch:
                runs = {name: taken_by(machine, "gone-cpu", 0) for name in names}
                all_is_stale(patch, client, list(runs.values()), read_again=read_again)
                for name, run in runs.items():
                    set_state(machine, run, states[name], force=True)
                assert not list(crash_orphans(client, unseen_s=0.0))
            assert {name: machine.run(run)["state"]["type"] for name, run in runs.items()} == {
                one: one for one in names
            }
            for run in runs.values():
                machine.call("DELETE", f"/flow_runs/{run}")


def all_is_stale(
    patch: pytest.MonkeyPatch, client: Any, runs: list[str], *, read_again: bool = False
) -> dict[UUID, Any]:
    """What this client reads of these runs is as it is now, whatever becomes of them; `read_again`: it reads each one anew."""
    stale = {one.id: one for one in (client.read_flow_run(UUID(run)) for run in runs)}
    patch.setattr(client, "read_flow_runs", lambda **_: list(stale.values()))
    if not read_again:
        patch.setattr(client, "read_flow_run", stale.__getitem__)
    return stale


def test_a_run_that_a_living_worker_of_another_machine_took_is_left_to_that_machine(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.operation.unbegun.BEGUN_S", 0.0)
    run = crashed_after(machine, [EXITED], worker="elsewhere-cpu")
    worker = "/work_pools/cpu/workers"
    machine.call("POST", f"{worker}/heartbeat", {"name": "elsewhere-cpu"})
    with machine.prefect_client() as client:
        assert not list(begin_again(client))
        machine.call("DELETE", f"{worker}/elsewhere-cpu")
        assert list(begin_again(client)) == [machine.run(run)["name"]]
    assert machine.finish(run, 120).type == "COMPLETED"


def test_runs_of_other_projects_on_the_server_are_left_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.operation.unbegun.BEGUN_S", 0.0)
    monkeypatch.setattr("flows.operation.orphans.CANCEL_S", 0.0)
    foreign = [crashed_after(machine, states) for states in ([EXITED], [], [{"type": "CANCELLING"}])]
    for run in foreign:
        assert OURS in machine.run(run)["tags"]  # its deployment's
        machine.call("PATCH", f"/flow_runs/{run}", {"tags": ["theirs"]})
    before = [machine.run(run)["state"] for run in foreign]
    with machine.prefect_client() as client:
        assert not list(begin_again(client)) and not sweep(client, unseen_s=0.0)
    assert [machine.run(run)["state"] for run in foreign] == before
    for run in foreign:
        machine.call("DELETE", f"/flow_runs/{run}")


def crashed_after(
    machine: Machine, states: list[dict[str, str]], handed_back: int = 0, tags: Sequence[str] = (), worker: str = ""
) -> str:
    """A run that a worker had taken and that came to these states."""
    labels: dict[str, Any] = {HANDED_BACK: handed_back} | ({TAKER: worker} if worker else {})
    taken = {"type": "PENDING", "name": "Submitting"}
    deployment = machine.deployment("janitor/janitor")["id"]
    body = {"state": taken, "labels": labels, "tags": list(tags)}
    made = str(machine.post(f"/deployments/{deployment}/create_flow_run", body)["id"])
    for state in states:
        set_state(machine, made, state, force=True)
    return made


def test_a_server_that_is_lost_while_a_run_starts_does_not_cost_the_run(machine: Machine) -> None:
    """The run's process asks once, finds nobody and ends; the run goes back to its pool."""
    kept = read_machine(machine.folder)
    keeper = kept and kept.keeper
    assert keeper is not None
    flow_run = machine.start("janitor/janitor", {})
    (process,) = machine.until(lambda: machine.processes_of(flow_run, "prefect.engine"), 60, "its process")
    process.suspend()  # while it imports, before it asks
    keeper.suspend()  # it would start the server again sooner than the process asks
    try:
        machine.server().kill()
        process.resume()
        process.wait(120)
    finally:
        keeper.resume()
    machine.until(lambda: answers(machine), 120, "the server to be back")
    machine.until(lambda: has_said(machine, flow_run, NOT_BEGUN), 180, "the run to be scheduled anew")
    assert machine.finish(flow_run).type == "COMPLETED"


def test_a_run_that_its_worker_does_not_cancel_is_ended_all_the_same(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose server was away for a minute hears of no cancelling any more; a process stands for the run's, as no worker has it."""
    monkeypatch.setattr("flows.operation.orphans.CANCEL_S", 0.0)
    deployment = machine.deployment("janitor/janitor")["id"]
    body = {"state": {"type": "PENDING", "name": "Submitting"}}
    run = str(machine.post(f"/deployments/{deployment}/create_flow_run", body)["id"])
    set_state(machine, run, {"type": "RUNNING"}, force=True)
    argv = [sys.executable, "-c", "import time; time.sleep(600)", "prefect.engine"]
    process = psutil.Popen(argv, env={**os.environ, FLOW_RUN: run})
    try:
        with machine.prefect_client() as client:
            assert not list(end_cancelled(client))
            set_state(machine, run, {"type": "CANCELLING"}, force=True)
            assert list(end_cancelled(client)) == [machine.run(run)["name"]]
        assert not process.is_running()
        assert machine.finish(run, 10).type == "CANCELLED"
    finally:
        with suppress(psutil.Error):
            process.kill()


def answers(machine: Machine) -> bool:
    with suppress(httpx.TransportError):
        return bool(machine.get("/health"))
    return False


def has_said(machine: Machine, flow_run: str, message: str) -> bool:
    """One of its states so far has that message."""
    return message in [one["message"] for one in machine.get(f"/flow_run_states/?flow_run_id={flow_run}")]


def taken_by(machine: Machine, worker: str, handed_back: int) -> str:
    labels = {TAKER: worker, HANDED_BACK: handed_back}
    body = {"state": {"type": "PENDING", "name": "Submitting"}, "labels": labels}
    deployment = machine.deployment("janitor/janitor")["id"]
    return str(machine.post(f"/deployments/{deployment}/create_flow_run", body)["id"])


def is_worker(process: psutil.Process, machine: Machine, name: str) -> bool:
    """Whether it is that worker of this machine itself, not its guard."""
    command = command_of(process)
    try:
        return (
            f"--name {name}" in command
            and "processes.guard" not in command
            and process.environ().get("PREFECT_API_URL") == machine.url
        )
    except psutil.Error:
        return False


def set_state(machine: Machine, flow_run: str, state: dict[str, Any], force: bool) -> None:
    machine.post(f"/flow_runs/{flow_run}/set_state", {"state": state, "force": force})
