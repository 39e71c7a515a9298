"""What a person does in the Prefect interface, on a real server with real workers: start, retry, one stage, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.machine import restem
from tests.operated import Operated

pytestmark = pytest.mark.heavy

FLEET = "self-train/self-train-fleet"  # its pool takes several runs at once


@pytest.mark.parametrize(
    "sections",
    [{"generate": {"temperature": -1}}, {"engine": {"kind": "magic"}}, {"loop": {"iterations": 1000}}, {"generat": {}}],
)
def test_what_the_form_itself_can_check_starts_nothing(operated: Operated, sections: dict[str, Any]) -> None:
    body = {"parameters": operated.form("refused", **sections), "state": {"type": "SCHEDULED"}}
    deployment = operated.machine.deployment(FLEET)["id"]
    answer = operated.machine.client.post(f"{operated.machine.url}/deployments/{deployment}/create_flow_run", json=body)
    assert answer.status_code in (409, 422)


def test_up_again_changes_nothing_and_names_the_same_address(operated: Operated) -> None:
    machine = operated.machine
    port = machine.url.rsplit(":", 1)[1].split("/")[0]
    before = (machine.folder / "machine.json").read_text()
    again = restem("up", "--folder", str(machine.folder), "--port", port, environment=machine.environment)
    assert again.stdout.strip() == machine.url
    assert (machine.folder / "machine.json").read_text() == before


def test_an_address_that_others_can_reach_needs_a_secret(tmp_path: Path) -> None:
    refused = restem("up", "--folder", str(tmp_path), "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "PREFECT_SERVER_API_AUTH_STRING" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_a_run_shows_its_tasks_its_report_and_its_plots(operated: Operated) -> None:
    machine, small = operated.machine, operated.small
    assert small.type == "COMPLETED"
    assert small.message.startswith("Base to iteration 1")
    assert "iteration-1/finetune" in machine.ended_task_runs(small.id)
    artifacts = machine.artifacts(small.id)
    assert "report-small" in artifacts
    assert all(len(json.dumps(one["data"])) <= 102_400 for one in artifacts.values())
