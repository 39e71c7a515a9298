"""What `/metrics` says of a real server: who has the device, what waits, and how fast what runs now samples."""

from __future__ import annotations

import json
import platform
import urllib.request

import pytest

from tests.flows.viewer.test_metrics import Figures, figures
from tests.machine import Machine
from tests.operated import Operated

pytestmark = pytest.mark.heavy


def asked(machine: Machine) -> Figures:
    port = json.loads((machine.folder / "machine.json").read_text())["viewer"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=120) as answer:
        return figures(answer.read().decode())


def test_a_run_that_holds_the_device_is_seen_and_seen_to_end(operated: Operated) -> None:
    machine, host = operated.machine, (platform.node(),)
    before = asked(machine)
    assert before["restem_server_up", ()] == 1
    assert before["restem_device_slots", host] == 2
    hang = {"RESTEM_FAILPOINTS": "materialize.start:1=hang"}
    run = machine.start("self-train/self-train", operated.form("measured"), **hang)
    seen = machine.until(
        lambda: now if (now := asked(machine))["restem_device_busy", host] == 1 else None, 300, "the device to be busy"
    )
    assert seen["restem_flow_runs", ("running",)] >= 1
    machine.cancel(run)
    machine.finish(run)
    machine.until(lambda: asked(machine)["restem_device_busy", host] == 0, 60, "the device to be free")


def test_the_speed_is_that_of_what_samples_now(operated: Operated) -> None:
    machine = operated.machine
    said = "generate iteration-1/x: 4/10 samples, 8 samples/s, 812 tokens/s, 3 accepted, 2 s left"
    for data, text in ((40.0, said), (100.0, said), (10.0, "pretrain base: 10/100 steps, loss 1.0")):
        machine.post("/artifacts/", {"type": "progress", "data": data, "description": text})
    assert asked(machine)["restem_tokens_per_second", ()] == 812
