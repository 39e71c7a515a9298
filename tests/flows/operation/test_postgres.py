"""`restem up --database`: a server on a real Postgres with a fleet of two workers, and a password that stands nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.operation.server.database import check_database
from tasks.domain.errors import UserError
from tasks.store.artifacts import Store
from tests.command import command_of, restem
from tests.flows.run.test_fleet import FORM, assert_engines_apart, held_at_a_range, records, second_worker
from tests.machine import Machine, machine_up
from tests.postgres import PASSWORD, Postgres, postgres
from tests.rig import record, small_config, tiny_base
from tests.s3 import BUCKET, s3_server


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql+asyncpg://me:pa55word@127.0.0.1/prefect", "leave it out and set PGPASSWORD"),
        ("postgresql+asyncpg://me@127.0.0.1/prefect?password=pa55word", "leave it out and set PGPASSWORD"),
        ("postgresql://me@127.0.0.1/prefect", "write postgresql+asyncpg://USER@HOST:PORT/NAME"),
        ("postgresql+asyncpg://me@127.0.0.1", "write postgresql+asyncpg://USER@HOST:PORT/NAME"),
        ("sqlite+aiosqlite:////tmp/x.db", "is no address of Postgres"),
        ("postgresql+asyncpg://me@127.0.0.1:1/prefect", "cannot be used"),
        ("postgresql+asyncpg://me@127.0.0.1:port/prefect", "cannot be used"),
    ],
)  # fmt: skip
def test_an_address_that_will_not_do_is_refused_without_its_password(url: str, says: str) -> None:
    with pytest.raises(UserError, match=says.replace("+", r"\+")) as refused:
        check_database(url)
    assert "pa55word" not in str(refused.value)


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as made:
        yield made


@pytest.mark.heavy
def test_a_wrong_password_is_told_before_anything_starts(database: Postgres, tmp_path: Path) -> None:
    refused = restem(
        "up", "--folder", str(tmp_path / "up"), "--database", database.url, environment={"PGPASSWORD": "wrong"}
    )
    assert refused.returncode == 2, refused.stderr
    assert "password authentication failed" in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "up").exists()


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_a_fleet_of_two_workers_runs_on_it_and_the_password_stands_nowhere(
    database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small_config(tmp_path, tiny_base(tmp_path / "base"), finetune={"epochs": 1})
    record(config)
    (tmp_path / "s3").mkdir()
    with s3_server(tmp_path / "s3") as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        named = {**s3.environment, "RESTEM_GPU_RUNS": "2", "PGPASSWORD": PASSWORD}
        with machine_up(tmp_path / "up", more=("--database", database.url), **named) as machine:
            a_fleet_run(machine, config.model_dump(mode="json"), tmp_path)
            the_record_is_in_postgres(machine, database)
            the_password_stands_nowhere(machine)
            a_killed_server_goes_on_from_it(machine)


def a_fleet_run(machine: Machine, config: dict[str, Any], folder: Path) -> None:
    form = {name: {**config.get(name, {}), **FORM.get(name, {})} for name in {*config, *FORM}}
    form["data"] |= {
        "train": {"limit": 12},
        "test": {"limit": 4},
    }  # each range starts an engine, a minute on a busy machine
    (folder / "second").mkdir()
    store = Store(f"s3://{BUCKET}/fleet")
    with second_worker(machine, folder / "second") as second:
        flow_run = machine.start("self-train/self-train-fleet", {"config": form, "settings": []})
        with held_at_a_range(machine, second, store):
            pass
        ended = machine.finish(flow_run, 1500)
    assert ended.type == "COMPLETED", ended
    assert_engines_apart(records(store))


def the_record_is_in_postgres(machine: Machine, database: Postgres) -> None:
    assert database.ask("select count(*) from flow_run where state_type = 'COMPLETED'") > 5
    assert not list((machine.folder / "prefect").glob("*.db*")), "SQLite is not used"


def the_password_stands_nowhere(machine: Machine) -> None:
    """In no file, no command line, and in no environment of a worker, where a run's own code could read it."""
    written = [path for path in machine.folder.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert not written
    assert (machine.folder / "machine.json").stat().st_mode & 0o077 == 0
    processes = [(one, command_of(one)) for one in psutil.process_iter()]
    assert not [command for _, command in processes if PASSWORD in command]
    workers = [one for one, command in processes if "prefect worker start" in command and "second" not in command]
    ours = [one.environ() for one in workers if one.environ().get("PREFECT_API_URL") == machine.url]
    assert len(ours) >= 2 and not [one for one in ours if PASSWORD in str(one)]


def a_killed_server_goes_on_from_it(machine: Machine) -> None:
    before = machine.post("/flow_runs/count", {})
    machine.server().kill()
    assert machine.post("/flow_runs/count", {}) >= before > 5
