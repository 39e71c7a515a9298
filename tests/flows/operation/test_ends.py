"""Cancelling, a killed worker, a lost server: nothing stays behind, and the next attempt goes on from what is stored."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

import docker
import psutil
import pytest

from flows.operation.device import device_limit
from flows.operation.orphans import end_left_tasks
from flows.operation.processes import HOST, PROCESS
from sandbox.hosts.docker_py import connect
from sandbox.hosts.engine import engine_at
from sandbox.hosts.owner import LABEL, OWNER_LABEL, Owner
from sandbox.image.build import ensure_image
from sandbox.settings import SandboxSettings, default_host
from tasks.domain.errors import UserError
from tests.machine import FLOW_RUN, Machine
from tests.operated import Operated, once

pytestmark = pytest.mark.heavy

HERE = default_host()
CANCEL_S, KILL_S = 15, 60
SAYS_S = 60  # 5 on a quiet machine, reading the form and checking the input included
DEVICE = f"/v2/concurrency_limits/{device_limit()}"
ENDLESS = {"finetune": {"epochs": 2000}}  # minutes of real training in a real child process
WHERE: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "generate": ({"engine": {"kind": "hf"}}, {"RESTEM_FAILPOINTS": "generate.flushed:1=hang"}),
    "verify": ({}, {"RESTEM_FAILPOINTS": "verify.written:1=hang"}),
    "finetune": (ENDLESS, {}),
}
CHILD = {
    "generate": "tasks.engines.sampling.hf_sampler",
    "verify": "graders.worker",
    "finetune": "tasks.engines.training.trl_sft",
}


def in_stage(operated: Operated, stage: str, name: str) -> str:
    """A run that works in that stage and would for minutes; its flow run."""
    sections, environment = WHERE[stage]
    if stage == "verify":  # golds that were judged before are remembered there, and would start no worker
        sections = sections | {"run": {"scratch": str(operated.folder / f"scratch-{name}")}}
    machine = operated.machine
    flow_run = machine.start("self-train/self-train", operated.form(name, **sections), **environment)
    machine.until(lambda: is_in(machine, flow_run, stage), 300, f"{name} to be in {stage}")
    return flow_run


def is_in(machine: Machine, flow_run: str, stage: str) -> bool:
    """Its task runs there, and what it starts for it lives."""
    running = [name for name, state in machine.task_runs(flow_run).items() if state == "Running" and stage in name]
    return bool(running) and bool(machine.processes_of(flow_run, CHILD[stage]))


@pytest.mark.parametrize("stage", list(WHERE))
def test_a_cancelled_run_leaves_no_process(operated: Operated, stage: str) -> None:
    machine = operated.machine
    flow_run = in_stage(operated, stage, f"cancelled-{stage}")
    machine.cancel(flow_run)
    machine.until(lambda: not machine.processes(flow_run), CANCEL_S, "the processes to end")
    assert machine.finish(flow_run, 120).type == "CANCELLED"


@pytest.mark.parametrize("stage", list(WHERE))
def test_a_killed_worker_leaves_no_process_and_the_run_is_crashed(operated: Operated, stage: str) -> None:
    machine = operated.machine
    flow_run = in_stage(operated, stage, f"killed-{stage}")
    machine.worker_of(flow_run).kill()
    machine.until(lambda: not machine.processes(flow_run), KILL_S, "the processes to end")
    assert machine.finish(flow_run, 120).type == "CRASHED"


def test_after_a_killed_worker_the_button_goes_on_from_what_is_stored(operated: Operated) -> None:
    machine = operated.machine
    flow_run = machine.start(
        "self-train/self-train",
        operated.form("resumed"),
        RESTEM_FAILPOINTS="finetune.start:1=hang",
        **once(operated, "resumed"),
    )
    machine.until(lambda: machine.task_runs(flow_run).get("iteration-1/finetune") == "Running", 300, "the training")
    machine.worker_of(flow_run).kill()
    assert machine.finish(flow_run, 120).type == "CRASHED"
    again = machine.retry(flow_run)
    assert again.type == "COMPLETED", again
    with machine.prefect_client() as client:
        list(end_left_tasks(client, recorded_s=0.0))  # the keeper does it too, every minute
    first = machine.ended_task_runs(flow_run, 1)
    assert first["iteration-1/finetune"] == "Crashed"
    second = machine.ended_task_runs(flow_run, 2)
    assert second["iteration-1/materialize"] == "Cached"
    assert second["iteration-1/finetune"] == "Completed"


def test_a_lost_server_is_started_again_and_the_run_goes_on(operated: Operated) -> None:
    machine = operated.machine
    whatever = {"accept": "any", "accept_truncated": True}  # a real engine, whose model solves nothing
    form = operated.form("server-lost", engine={"kind": "hf"}, materialize=whatever)
    flow_run = machine.start("self-train/self-train", form)
    machine.until(lambda: is_in(machine, flow_run, "generate"), 300, "the run to sample")
    machine.server().kill()
    ended = machine.finish(flow_run)
    assert ended.type == "COMPLETED", ended
    assert not machine.processes_of(flow_run, CHILD["generate"])
    assert machine.get(DEVICE)["active_slots"] == 0  # the lease outlived the server that gave it


def test_a_run_that_waits_says_for_whom_and_goes_on_when_that_one_is_dead(operated: Operated) -> None:
    machine = operated.machine
    machine.call("PATCH", DEVICE, {"limit": 1})
    try:
        holder = in_stage(operated, "verify", "holder")
        waiting = machine.start("self-train/self-train", operated.form("waiting", loop={"iterations": 0}))
        line = "waiting for the device restem-device-.*, held by holder since 20"
        machine.until(lambda: re.search(line, machine.logs(waiting)), 120, "the waiting run to say so")
        began, said = machine.moment(waiting, "Beginning flow run"), machine.moment(waiting, "waiting for the device")
        assert said - began < SAYS_S
        machine.processes_of(holder, "prefect.engine")[0].kill()
        assert machine.finish(waiting).type == "COMPLETED"
        assert machine.get(DEVICE)["active_slots"] == 0
    finally:
        machine.call("PATCH", DEVICE, {"limit": 2})


def test_the_janitor_finds_what_has_no_run_and_no_process(operated: Operated) -> None:
    """A process of a finished run, a run whose process is gone, a container whose owner is gone."""
    machine = operated.machine
    leftover = psutil.Popen(["sleep", "600"], env={**os.environ, FLOW_RUN: operated.small.id})
    lost = machine.post("/flow_runs/", {
        "name": "lost", "flow_id": machine.run(operated.small.id)["flow_id"], "state": {"type": "RUNNING"},
        "labels": {HOST: platform.node(), PROCESS: "999999@1.00"},
    })["id"]  # fmt: skip
    with container_without_owner() as container:

        def swept() -> bool:  # a process is left alone while it may still be sending its last lines
            assert machine.do("janitor/janitor", {}).type == "COMPLETED"
            return leftover.poll() is not None

        machine.until(swept, 120, "the janitor to end the process")
        assert not exists(container)
    state = machine.run(lost)["state"]
    assert (state["type"], "Retry goes on" in state["message"]) == ("CRASHED", True)


@contextmanager
def container_without_owner() -> Iterator[str]:
    """A container as a sandbox of this machine would have it, of a process that does not exist."""
    try:
        client = connect(HERE)
    except UserError as error:
        pytest.skip(str(error))
    owner = replace(Owner.me(), pid=4_000_000)
    image = ensure_image(engine_at(HERE), SandboxSettings())
    made = client.create_container(image, labels={LABEL: "candidate", OWNER_LABEL: str(owner)})
    try:
        yield made["Id"]
    finally:
        with suppress(docker.errors.NotFound):
            client.remove_container(made["Id"], force=True)
        client.close()


def exists(container: str) -> bool:
    with closing(connect(HERE)) as client:
        return bool(client.containers(all=True, filters={"id": container}))
