"""`restem up` by itself: what it says, what it leaves alone, and a server that lives but does not answer."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest

from flows.cli.main import main
from flows.operation.server.automations import HEARTBEAT, _content, notices, zombies
from flows.operation.server.interface import CHANGES, changed
from flows.operation.server.keeper import Machine as Kept
from flows.operation.server.keeper import Patience
from flows.operation.server.leases import ConcurrencyLeaseStorage
from flows.operation.server.up import _last_words, checkout
from tasks.domain.errors import UserError
from tasks.processes.ports import free_port
from tests.command import ROOT, restem
from tests.machine import Machine, machine_up
from tests.operated import Webhook

SECRET = "person:long-password"
EXITED = {"type": "CRASHED", "message": "Flow run process exited with non-zero status code 1."}  # as a worker says it
LOCKED = """
import asyncio
from flows.operation.server.sqlite_server import automations_reload_beside_the_loop

async def main():
    from prefect.server.database import provide_database_interface
    from prefect.server.events import triggers
    from prefect.server.events.models import automations
    from prefect.server.events.schemas.automations import Automation, EventTrigger, Posture
    from prefect.server.events.actions import DoNothing
    await provide_database_interface().create_db()
    made = Automation(name="x", trigger=EventTrigger(expect={"a"}, posture=Posture.Reactive, threshold=1, within=0), actions=[DoNothing()])
    async with triggers._automations_lock():  # as while automations are reconciled
        async with automations.automations_session(begin_transaction=True) as session:
            made = await automations.create_automation(session, made)
        print("committed", flush=True)
    for _ in range(500):
        if made.id in triggers.automations_by_id:
            print("loaded", flush=True)
            break
        await asyncio.sleep(0.01)

automations_reload_beside_the_loop()
asyncio.run(main())
"""


def test_a_change_of_an_automation_does_not_wait_for_their_reconciliation(tmp_path: Path) -> None:
    """With Prefect 3.7.7 as it is the commit waits on the loop's thread for what only the loop can end."""
    environment = {"PATH": "/usr/bin:/bin", "PREFECT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", LOCKED], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["committed", "loaded"], done.stderr


def test_a_server_hangs_only_when_it_has_answered_before_or_had_its_time_to_start() -> None:
    patience = Patience(start_s=300, hang_s=60)
    patience.restarted(1000)
    patience.heard(False, 1290)
    assert not patience.is_over(1290) and patience.is_over(1301)
    patience.heard(True, 1302)
    assert not patience.is_over(1361) and patience.is_over(1363)
    patience.restarted(1364)
    assert not patience.is_over(1600)


def test_leases_outlive_the_server_and_none_is_lost_to_a_second_writer(tmp_path: Path) -> None:
    async def lost() -> tuple[int, int]:
        storage = ConcurrencyLeaseStorage(tmp_path)
        made = await asyncio.gather(*(storage.create_lease([uuid4()], timedelta(seconds=-1)) for _ in range(30)))
        again = ConcurrencyLeaseStorage(tmp_path)  # as after a restart
        before = len(await again.read_expired_lease_ids())
        await asyncio.gather(
            *(again.revoke_lease(one.id) for one in made[:10]), again.renew_lease(made[29].id, timedelta(60))
        )
        return before, len(await again.read_expired_lease_ids())

    assert asyncio.run(lost()) == (30, 19)


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (["--store", "nosuch://x"], {}, "s3://bucket/prefix"),
        (["--store", "s3://"], {}, "names no bucket"),
        (["--port", "70000"], {}, "1 to 65535"),
        (["--port", "0"], {}, "1 to 65535"),
        (["--folder", "/proc/nowhere"], {}, "--folder /proc/nowhere"),
        (["--host", "192.0.2.7"], {"PREFECT_SERVER_API_AUTH_STRING": SECRET}, "no address of this machine"),
        (["--host", "nowhere.invalid"], {"PREFECT_SERVER_API_AUTH_STRING": SECRET}, "no address of this machine"),
        ([], {"RESTEM_GPU_RUNS": "0"}, "RESTEM_GPU_RUNS is '0'"),
        ([], {"RESTEM_GPU_RUNS": "many"}, "RESTEM_GPU_RUNS is 'many'"),
        ([], {"RESTEM_SERVER_PATIENCE_S": "x"}, "RESTEM_SERVER_PATIENCE_S is 'x'"),
        ([], {"RESTEM_SERVER_PATIENCE_S": "nan"}, "RESTEM_SERVER_PATIENCE_S is 'nan'"),
    ],
)
def test_what_cannot_be_brought_up_is_one_sentence_before_anything_starts(
    words: list[str], environment: dict[str, str], says: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("flows.operation.server.up.subprocess", None)  # with which everything is started
    try:
        code = main(["up", "--folder", str(tmp_path / "up"), "--port", str(free_port()), *words])
    except SystemExit as ended:  # argparse
        code = int(str(ended.code))
    said = capsys.readouterr().err
    assert (code, len(said.splitlines())) == (2, 1) and said.startswith("restem: ") and says in said


def test_a_keeper_that_has_ended_and_was_not_waited_for_is_none() -> None:
    """`up` itself started it, and asks whether to go on waiting for its server."""
    child = psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    machine = Kept("", "", "127.0.0.1", 1, (), process=(child.pid, child.create_time()))
    try:
        assert machine.keeper is not None
    finally:
        child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert machine.keeper is None
    child.wait()


def test_of_a_registration_that_failed_the_reason_is_told_and_not_its_last_line() -> None:
    said = """Traceback (most recent call last):
  File "registration.py", line 1, in <module>
pydantic_core.ValidationError: 1 validation error for Form
state.name
  Field required
    For further information visit https://errors.pydantic.dev
"""
    assert _last_words(said).startswith(
        "pydantic_core.ValidationError: 1 validation error for Form state.name Field required"
    )
    assert _last_words("killed\n") == "killed"
    assert _last_words("") == "no message"


def test_a_checkout_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RESTEM_ROOT", str(tmp_path))
    with pytest.raises(UserError, match="RESTEM_ROOT"):
        checkout()
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "prefect.yaml").touch()
    assert checkout() == str(tmp_path)


def test_what_is_mended_in_the_interface_is_there_to_be_mended(tmp_path: Path) -> None:
    """A newer Prefect may have other scripts; then this says so before anybody finds a form that cannot be saved."""
    import prefect

    for name, (fault, instead) in CHANGES.items():
        copies = [tmp_path / path.name for path in Path(prefect.__ui_static_path__).glob("assets/*.js")]
        for path in Path(prefect.__ui_static_path__).glob("assets/*.js"):
            shutil.copy(path, tmp_path)
        found = [changed(copy, fault, instead) for copy in copies]
        assert any(found), name
        assert not any(fault.search(copy.read_text()) for copy in copies)


def test_an_automation_read_back_from_the_server_equals_the_one_that_was_sent() -> None:
    from prefect.events.schemas.automations import Automation

    for wanted in (zombies(), *notices(uuid4())):
        plain = {**wanted.model_dump(mode="json"), "id": str(uuid4()), "enabled": False}
        for name in ("expect", "after"):
            plain["trigger"][name] = sorted(plain["trigger"][name], reverse=True)
        assert _content(Automation.model_validate(plain)) == _content(wanted)


# ---------------------------------------------------------------- on a real server


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """127.0.0.2 is loopback, but not the address that needs no secret."""
    named = {"PREFECT_SERVER_API_AUTH_STRING": SECRET, "RESTEM_SERVER_PATIENCE_S": "10"}
    with machine_up(tmp_path_factory.mktemp("up"), ["cpu"], "127.0.0.2", **named) as up:
        yield up


@pytest.fixture
def person(machine: Machine) -> Iterator[Machine]:
    machine.client.auth = tuple(SECRET.split(":"))  # type: ignore[assignment]
    yield machine
    machine.client.auth = None  # type: ignore[assignment]


@pytest.mark.heavy
def test_strangers_are_refused(machine: Machine) -> None:
    assert machine.client.post(f"{machine.url}/flow_runs/filter", json={}).status_code == 401


@pytest.mark.heavy
def test_with_a_secret_workers_run(person: Machine) -> None:
    assert person.do("janitor/janitor", {}).type == "COMPLETED"


@pytest.mark.heavy
def test_automations_hear_runs_with_our_tag_only(person: Machine) -> None:
    """What the server and the run's process say of a run, put to the triggers: an end that zombies() did not hear would crash each run that ended,
    and a notice of another project's run tells a person nothing."""
    from prefect.server.events.schemas.automations import EventTrigger
    from prefect.server.events.schemas.events import ReceivedEvent

    named = {
        one.name: EventTrigger.model_validate(one.trigger.model_dump(mode="json"))
        for one in (zombies(), *notices(uuid4()))
    }
    janitor, crashed = person.do("janitor/janitor", {}).id, ended_as(person, "janitor/janitor", "CRASHED")
    night, late = (
        ended_as(person, "nightly/nightly", "CANCELLED"),
        ended_as(person, "nightly/nightly", "SCHEDULED", "Late"),
    )
    for run, event, trigger in (
        (janitor, HEARTBEAT, named["restem: crash runs without a heartbeat"]),
        (janitor, "prefect.flow-run.Completed", named["restem: crash runs without a heartbeat"]),
        (crashed, "prefect.flow-run.Crashed", named["restem: crash notice"]),
        (night, "prefect.flow-run.Cancelled", named["restem: cancelled night"]),
        (late, "prefect.flow-run.Late", named["restem: missed night"]),
    ):
        heard = person.until(lambda run=run, event=event: said_of(person, run).get(event), 60, f"{event} of a run")
        ours = ReceivedEvent.model_validate(heard)
        theirs = [one for one in ours.related if one.id != "prefect.tag.restem"]
        assert len(theirs) == len(ours.related) - 1
        assert trigger.covers(ours) and not trigger.covers(ours.model_copy(update={"related": theirs})), event
    for run in (crashed, night, late):
        person.call("DELETE", f"/flow_runs/{run}")


def said_of(machine: Machine, flow_run: str) -> dict[str, Any]:
    """Name -> event of the run, as far as the server has them."""
    asked = {"filter": {"resource": {"id": [f"prefect.flow-run.{flow_run}"]}}}
    return {one["event"]: one for one in machine.post("/events/filter", asked)["events"]}


def ended_as(machine: Machine, deployment: str, state: str, name: str | None = None) -> str:
    """A run of that deployment that no worker takes, in that state."""
    made = machine.deployment(deployment)["id"]
    run = str(machine.post(f"/deployments/{made}/create_flow_run", {"state": {"type": "PENDING"}})["id"])
    machine.post(f"/flow_runs/{run}/set_state", {"state": {"type": state, "name": name}, "force": True})
    return run


@pytest.mark.heavy
def test_up_again_says_what_it_does_and_leaves_equal_automations_alone(person: Machine) -> None:
    before = automations(person)
    changed = next(iter(before.values()))
    person.call("PATCH", f"/automations/{changed['id']}", {"enabled": False})  # by a person
    port = person.url.rsplit(":", 1)[1].split("/")[0]
    argv = ["up", "--folder", str(person.folder), "--host", "127.0.0.2", "--port", port, "--pool", "cpu"]
    done = restem(*argv, environment=person.environment)
    assert done.returncode == 0, done.stderr
    assert "giving up after" in done.stderr.splitlines()[0]
    after = automations(person)
    assert {name: one["id"] for name, one in after.items()} == {name: one["id"] for name, one in before.items()}
    assert not after[changed["name"]]["enabled"]


def automations(machine: Machine) -> dict[str, Any]:
    return {one["name"]: one for one in machine.post("/automations/filter", {}) if one["name"].startswith("restem")}


@pytest.mark.heavy
def test_a_night_that_no_worker_takes_is_noticed(person: Machine) -> None:
    """There is no worker of the pool gpu here. The automation itself waits ten minutes for one."""
    with Webhook() as webhook:
        with person.prefect_client(SECRET) as client:
            block = UUID(make_block(person, webhook.url))
            (missed,) = [one for one in notices(block, late_s=10) if one.name == "restem: missed night"]
            client.create_automation(missed.model_copy(update={"name": "missed, impatient"}))
        nightly = person.deployment("nightly/nightly")["id"]
        late = person.post(f"/deployments/{nightly}/create_flow_run", {"state": {"type": "SCHEDULED"}})["id"]
        said = person.until(lambda: [one for one in webhook.said if late in one], 120, "the notice")
    assert "has not begun" in said[0] and "deployment nightly, host none" in said[0]
    person.call("DELETE", f"/flow_runs/{late}")


def make_block(machine: Machine, url: str) -> str:
    """The block that `up` makes where it is told a webhook."""
    environment = {
        **machine.environment,
        "PREFECT_API_URL": machine.url,
        "PREFECT_API_AUTH_STRING": SECRET,
        "RESTEM_NOTIFY_URL": url,
    }
    code = "from flows.operation.server.automations import _notification_block as made; print(made())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]


@pytest.mark.heavy
def test_janitors_do_not_lock_each_other_out(person: Machine) -> None:
    janitor = person.deployment("janitor/janitor")
    assert janitor["global_concurrency_limit"] is None


@pytest.mark.heavy
def test_a_server_that_lives_but_does_not_answer_is_started_again(person: Machine) -> None:
    server = person.server()
    server.suspend()
    began = time.monotonic()
    person.until(lambda: not server.is_running(), 60, "the hung server to be ended")
    assert time.monotonic() - began > 5  # it is given time to answer
    assert person.get("/health") is True
    assert "has not answered" in (person.folder / "keeper.log").read_text()
