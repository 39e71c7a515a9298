"""The viewer as a child of what `restem up` keeps: it is started and ended with the rest, and its address is told."""

from __future__ import annotations

import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from flows.operation.server import up as up_module
from flows.operation.server.keeper import VIEWER, Keeper, Machine
from flows.stored.viewer_address import STORE_VARIABLE, URL_VARIABLE
from tasks.processes.ports import free_port, is_taken
from tests.command import ROOT

PATIENCE_S = 240.0  # of a machine that does other work


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(str(tmp_path / "up"), str(ROOT), "127.0.0.1", free_port(), (), store=str(tmp_path / "store"), viewer=free_port())  # fmt: skip


def test_the_keeper_starts_the_viewer_on_its_port_and_ends_it(machine: Machine) -> None:
    """The viewer is the real one; the server, which this is not about, is never started."""
    keeper = Keeper(machine)
    try:
        keeper._start(VIEWER)
        assert "There are no runs in this store yet" in first_page(keeper)
    finally:
        keeper._stop_all()
    assert keeper.children[VIEWER].poll() is not None and not is_taken(machine.viewer)


def first_page(keeper: Keeper) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while not is_taken(keeper.machine.viewer):
        assert keeper.children[VIEWER].poll() is None, keeper.children[VIEWER].log_tail(5)
        assert time.monotonic() < deadline, "the viewer does not listen"
        time.sleep(0.1)
    with urllib.request.urlopen(keeper.machine.viewer_url, timeout=PATIENCE_S) as answer:
        return str(answer.read().decode())


def test_the_viewer_ends_before_the_server_and_runs_know_its_address(machine: Machine) -> None:
    named = machine.environment()
    assert machine.others == (VIEWER,)
    assert (named[URL_VARIABLE], named[STORE_VARIABLE]) == (machine.viewer_url, machine.store)
    without = replace(machine, store="")
    assert without.others == () and URL_VARIABLE not in without.environment()


def test_up_tells_the_address_of_the_viewer_and_its_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: Machine
) -> None:
    """Of `up` only what starts processes and asks the server is left out."""
    monkeypatch.setattr(up_module, "_start", lambda wanted: wanted)
    monkeypatch.setattr(up_module, "_wait", lambda machine: None)
    monkeypatch.setattr(up_module, "_register", lambda machine: None)
    said: list[str] = []
    made = up_module.up(tmp_path / "up", "127.0.0.1", machine.port, ("cpu",), said.append, machine.store)
    assert made.viewer and f"runs: {made.viewer_url}  (store {machine.store})" in said
