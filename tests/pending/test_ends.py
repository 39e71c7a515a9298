"""Cancelling in the interface and killing a worker: nothing stays behind, and the next attempt goes on from what is stored."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from tests.machine import Machine
from tests.operated import Operated, once

pytestmark = pytest.mark.heavy

CANCEL_S, KILL_S = 15, 60
ENDLESS = {"finetune": {"epochs": 2000}}  # minutes of real training in a real child process
WHERE: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "generate": ({"engine": {"kind": "hf"}}, {"RESTEM_FAILPOINTS": "generate.flushed:1=hang"}),
    "verify": ({}, {"RESTEM_FAILPOINTS": "verify.written:1=hang"}),
    "finetune": (ENDLESS, {}),
}
CHILD = {"generate": "tasks.engines.hf_sampler", "verify": "rewards.worker", "finetune": "tasks.engines.trl_sft"}


def in_stage(operated: Operated, stage: str, name: str) -> str:
    """A run that works in that stage and would for minutes; its flow run."""
    sections, environment = WHERE[stage]
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
    worker_of(machine, flow_run).kill()
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
    worker_of(machine, flow_run).kill()
    assert machine.finish(flow_run, 120).type == "CRASHED"
    again = machine.retry(flow_run)
    assert again.type == "COMPLETED", again
    second = machine.ended_task_runs(flow_run, 2)
    assert second["iteration-1/materialize"] == "Cached"
    assert second["iteration-1/finetune"] == "Completed"


def worker_of(machine: Machine, flow_run: str) -> psutil.Process:
    """The worker that started a flow run."""
    return machine.processes_of(flow_run, "prefect.engine")[0].parent()
