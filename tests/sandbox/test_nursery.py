"""Containers come from somewhere as long as any can be had, and as many as are used at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.hosts.launch import LaunchFailed
from sandbox.hosts.process_launcher import ProcessLauncher, ProcessLink
from sandbox.job import Job
from sandbox.pool.nursery import Nursery
from sandbox.pool.pool import Sandbox, open_sandbox
from sandbox.settings import SandboxSettings

SETTINGS = SandboxSettings(slots=4, backend="process", unsafe=True)


class Failing(ProcessLauncher):
    """Fails the first times."""

    def __init__(self, failures: int) -> None:
        super().__init__(SETTINGS)
        self._failures = iter(range(failures))

    def launch(self, trusted: bool) -> ProcessLink:
        if next(self._failures, None) is not None:
            raise LaunchFailed("not now")
        return super().launch(trusted)


@pytest.fixture(params=[1, 2])
def begun(request: pytest.FixtureRequest) -> Iterator[Nursery]:
    """A nursery of which so many of the two first cells fail."""
    nursery = Nursery(Failing(request.param), trusted=False)
    nursery.begin(2)
    yield nursery
    nursery.close()


def test_a_cell_that_failed_to_start_is_replaced_by_the_next(begun: Nursery) -> None:
    assert not begun.cell().gone


def test_where_all_cells_fail_it_is_told() -> None:
    nursery = Nursery(Failing(100), trusted=False)
    nursery.begin(2)
    with pytest.raises(LaunchFailed, match="not now"):
        nursery.cell()
    nursery.close()


def test_a_nursery_whose_threads_cannot_start_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    nursery = Nursery(ProcessLauncher(SETTINGS), trusted=False)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError):
            nursery.begin(2)
    assert not nursery.cell().gone
    nursery.close()


MEETING = """
import os, sys, time
folder, number = sys.stdin.read().split()
open(f"{folder}/{number}", "w").close()
while len(os.listdir(folder)) < 3: time.sleep(0.01)
"""


def test_testers_become_as_many_as_there_are_jobs_at_once(tmp_path: Path) -> None:
    with open_sandbox(SETTINGS) as sandbox:
        for _ in range(3):
            sandbox.run_many([Job(b"", trusted=True)])
        assert sandbox._testers._started == 1
        jobs = [Job(MEETING.encode(), stdin=f"{tmp_path} {number}".encode(), trusted=True) for number in range(3)]
        assert {one.ending for one in sandbox.run_many(jobs)} == {"OK"}  # each waits for the two others
        assert sandbox._testers._started == 3


class Late(ProcessLauncher):
    """A container takes as long to start as the test wants."""

    def __init__(self) -> None:
        super().__init__(SETTINGS)
        self.asked, self.may_come = threading.Event(), threading.Event()

    def launch(self, trusted: bool) -> ProcessLink:
        self.asked.set()
        self.may_come.wait()
        return super().launch(trusted)


def test_a_container_that_comes_after_the_end_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    late = Late()
    sandbox = Sandbox(SETTINGS, [late])
    waiting = sandbox.submit(Job(b""))
    assert late.asked.wait(20)
    closing = threading.Thread(target=sandbox.close)
    closing.start()
    assert waiting.result(20).ending == "INFRA"  # closed, and nothing has come
    with caplog.at_level(logging.WARNING):
        late.may_come.set()
        closing.join()
    assert not caplog.records
