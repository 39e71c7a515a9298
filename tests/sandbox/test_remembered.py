"""A start-up test that has passed is believed for exactly what it was run on, and only from a file that nobody else could write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.hosts.docker_launcher import ENGINE_TRAITS, DockerLauncher
from sandbox.pool.cell import Cell
from sandbox.pool.pool import Sandbox
from sandbox.selftest import examine, remembered
from sandbox.selftest.remembered import Conditions
from sandbox.settings import SandboxSettings
from tasks.domain.errors import UserError
from tests.sandbox.conftest import docker_sandbox

TESTED = Conditions(
    "boot", {"ID": "one", "ServerVersion": "20.10"}, "sha256:1", {"host_config": {"Memory": 1}}, (1, 2), "code"
)
OTHER: dict[str, Any] = {
    "boot": "another", "engine": {"ID": "one", "ServerVersion": "24.0"}, "image": "sha256:2",
    "recipe": {"host_config": {"Memory": 2}}, "uids": (1, 3), "test": "changed",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_pass_is_remembered() -> None:
    assert not remembered.has_passed(TESTED)
    remembered.note(TESTED, passed=True)
    assert remembered.has_passed(TESTED)


@pytest.mark.parametrize("part", [field.name for field in fields(Conditions)])
def test_every_part_that_changes_is_tested_again(part: str) -> None:
    remembered.note(TESTED, passed=True)
    assert not remembered.has_passed(replace(TESTED, **{part: OTHER[part]}))


def test_a_failure_is_not_forgotten_by_an_earlier_pass() -> None:
    remembered.note(TESTED, passed=True)
    remembered.note(TESTED, passed=False)
    assert not remembered.has_passed(TESTED)


def test_only_this_user_may_read_or_write_it() -> None:
    remembered.note(TESTED, passed=True)
    assert remembered.place().stat().st_mode & 0o777 == 0o600
    assert remembered.place().parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_believed(mode: int) -> None:
    remembered.note(TESTED, passed=True)
    os.chmod(remembered.place(), mode)
    assert not remembered.has_passed(TESTED)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_believed() -> None:
    remembered.note(TESTED, passed=True)
    os.chown(remembered.place(), 12345, -1)
    assert not remembered.has_passed(TESTED)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    remembered.note(TESTED, passed=True)
    remembered.place().rename(tmp_path / "elsewhere")
    remembered.place().symlink_to(tmp_path / "elsewhere")
    assert not remembered.has_passed(TESTED)


@pytest.mark.parametrize("content", ["", "{", "7", '{"a": 1}', "[[1], null]", "\x00\xff"])
def test_nonsense_is_no_pass_and_no_error(content: str) -> None:
    remembered.note(TESTED, passed=True)
    remembered.place().write_text(content)
    assert not remembered.has_passed(TESTED)
    remembered.note(TESTED, passed=True)
    assert remembered.has_passed(TESTED)


def test_the_file_stays_small() -> None:
    for number in range(3 * remembered.MOST_KEPT):
        remembered.note(replace(TESTED, boot=str(number)), passed=True)
    assert len(json.loads(remembered.place().read_text())) == remembered.MOST_KEPT


def test_where_it_cannot_be_written_the_next_process_tests_again(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    remembered.note(TESTED, passed=True)
    assert not remembered.has_passed(TESTED)


def test_after_a_failure_that_cannot_be_written_no_pass_is_believed() -> None:
    remembered.note(TESTED, passed=True)
    lock = remembered.place().with_suffix(".lock")
    lock.unlink()
    lock.mkdir()
    remembered.note(TESTED, passed=False)
    assert not remembered.has_passed(TESTED)


def test_a_pass_that_cannot_be_taken_back_is_told() -> None:
    remembered.place().mkdir(parents=True)  # neither replaced nor removed as a file
    remembered.note(TESTED, passed=True)
    with pytest.raises(UserError, match="may still say that the sandbox has passed its test"):
        remembered.note(TESTED, passed=False)
    assert not remembered.has_passed(TESTED)


def test_passes_noted_at_once_are_all_kept() -> None:
    passes = [replace(TESTED, boot=str(number)) for number in range(remembered.MOST_KEPT)]
    with ThreadPoolExecutor(8) as several:
        list(several.map(lambda tested: remembered.note(tested, passed=True), passes))
    assert all(map(remembered.has_passed, passes))


def test_a_user_without_a_home_tests_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    remembered.note(TESTED, passed=True)
    remembered.note(TESTED, passed=False)
    assert not remembered.has_passed(TESTED)


def test_all_code_that_the_test_loads_is_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys, sandbox.selftest.examine; print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'sandbox'))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    read: list[str] = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(str(path)) or b"")
    remembered.test_digest.__wrapped__()
    assert any(name.endswith("pool/cell.py") for name in loaded) and set(loaded) <= set(read)


def probes_run(monkeypatch: pytest.MonkeyPatch, **more: Any) -> bool:
    """Whether a sandbox, opened as by a new process, ran the probes: its containers' canaries are one job each."""
    monkeypatch.setattr(examine, "_passed", set())
    with docker_sandbox(slots=1, **more) as sandbox:
        return max(cell.jobs for cell in sandbox._cells()) > 1


@pytest.mark.heavy
def test_a_second_process_does_not_test_again_unless_it_is_told_to(
    one_slot: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probes_run(monkeypatch)
    assert not probes_run(monkeypatch)
    assert probes_run(monkeypatch, probe_again=True)
    assert not probes_run(monkeypatch)
    assert probes_run(monkeypatch, container_memory_mb=1200)


@pytest.mark.heavy
def test_the_engine_tells_what_the_key_is_made_of(one_slot: Sandbox) -> None:
    launcher = DockerLauncher("unix:///var/run/docker.sock", SandboxSettings())
    try:
        cell = Cell(launcher.launch(trusted=False))
        traits = launcher.traits()
    finally:
        launcher.close()
    assert cell.hello["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert set(traits.engine) == set(ENGINE_TRAITS) and traits.engine["ID"] and traits.engine["ServerVersion"]
    assert traits.image.startswith("sha256:")
    assert "seccomp=" in json.dumps(traits.recipe) and str(SandboxSettings().container_memory_mb << 20) in json.dumps(
        traits.recipe
    )
