"""Containers and engines come and go; every job gets its verdict once, and nothing outlives its owner."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from sandbox.hosts.engine import engine_at
from sandbox.hosts.owner import LABEL, OWNER_LABEL, UIDS_LABEL, Owner
from sandbox.hosts.uids import UIDS_PER_CONTAINER
from sandbox.job import Job
from sandbox.limits import Limits
from sandbox.pool.cell import Cell
from sandbox.pool.pool import Sandbox, open_sandbox
from sandbox.settings import SandboxSettings
from tasks.domain.errors import UserError
from tests.sandbox.conftest import docker_sandbox
from tests.sandbox.engine import FIRST, SecondEngine, can_start, second_engine

pytestmark = pytest.mark.heavy

DOUBLE = b"print(int(input()) * 2)"


def engine() -> docker.DockerClient:
    return docker.DockerClient(base_url="unix:///var/run/docker.sock")


def containers_of(owner: str) -> list[str]:
    """Running or not, by owner."""
    found = engine().api.containers(all=True, filters={"label": f"{OWNER_LABEL}={owner}"})
    return [one["Id"] for one in found]


def containers_in(sandbox: Sandbox) -> set[str]:
    """Those of this sandbox alone; others of this process belong to other fixtures."""
    return {cell.link._container for cell in sandbox._cells()}  # type: ignore[attr-defined]


def busy_cells(sandbox: Sandbox) -> list[Cell]:
    """Cells that run a job now, their canary behind them."""
    return [cell for cell in sandbox._cells() if cell.deadline is not None and cell.jobs > 1 and not cell.gone]


def until(condition: object, seconds: float) -> bool:
    """Whether `condition()` became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def test_killed_containers_lose_and_double_nothing(two_slots: Sandbox) -> None:
    jobs = [Job(DOUBLE, stdin=b"%d\n" % number) for number in range(1500)]
    finished: list[int] = []
    futures = [two_slots.submit(job) for job in jobs]
    for number, future in enumerate(futures):
        future.add_done_callback(lambda _, number=number: finished.append(number))
    for _ in range(4):
        until(lambda: not futures[min(len(finished) + 200, 1400)].done(), 1)
        victim = random.Random(0).choice(containers_of(str(Owner.me())))
        engine().api.kill(victim)
        time.sleep(0.3)
    found = [future.result(timeout=120) for future in futures]
    assert [one.stdout for one in found] == [b"%d\n" % (2 * number) for number in range(1500)]
    assert {one.ending for one in found} == {"OK"}
    assert sorted(finished) == list(range(1500))


def test_a_session_whose_container_is_killed_says_so(two_slots: Sandbox) -> None:
    session = two_slots.session(Job(b"", mode="echo"))
    for container in containers_in(two_slots):
        with suppress(docker.errors.APIError):
            engine().api.remove_container(container, force=True)
    found = session.receive(timeout=30)
    assert not isinstance(found, bytes) and (found.ending, found.container_ended) == ("INFRA", True)
    assert two_slots.run_many([Job(DOUBLE, stdin=b"1")])[0].stdout == b"2\n"


def test_a_container_that_hangs_is_replaced(one_slot: Sandbox) -> None:
    future = one_slot.submit(Job(b"import time; time.sleep(0.5); print('awake')", limits=Limits(wall_seconds=2)))
    assert until(lambda: busy_cells(one_slot), 20)
    busy = busy_cells(one_slot)[0]
    engine().api.pause(busy.link._container)  # type: ignore[attr-defined]
    busy.deadline = time.monotonic()  # the deadline itself is half a minute away
    assert future.result(timeout=60).stdout == b"awake\n"


def test_no_two_containers_have_uids_in_common(two_slots: Sandbox) -> None:
    two_slots.run_many([Job(DOUBLE, stdin=b"1")] * 50)
    found = engine().api.containers(filters={"label": UIDS_LABEL})
    first_uids = [int(one["Labels"][UIDS_LABEL]) for one in found]
    assert len(first_uids) >= 2
    assert all(abs(one - other) >= UIDS_PER_CONTAINER for one, other in itertools.combinations(first_uids, 2))


def test_a_kill_of_everything_leaves_the_other_slot_alone(two_slots: Sandbox) -> None:
    quiet = Job(b"import time; time.sleep(1); print('quiet')")
    killer = Job(b"import os, time; time.sleep(0.3); os.kill(-1, 9); time.sleep(9)", limits=Limits(wall_seconds=2))
    first, _ = two_slots.run_many([quiet, killer])
    assert (first.ending, first.stdout) == ("OK", b"quiet\n")


def test_processes_of_one_slot_do_not_count_in_another(two_slots: Sandbox) -> None:
    crowd = b"import os, time\nfor _ in range(40):\n  if os.fork() == 0: time.sleep(2); os._exit(0)\ntime.sleep(1)\nprint('x')"
    found = two_slots.run_many([Job(crowd, limits=Limits(processes=50))] * 2)
    assert [one.stdout for one in found] == [b"x\n"] * 2


@pytest.mark.alone
def test_eight_busy_loops_at_once_end_at_their_limit() -> None:
    with docker_sandbox(slots=8) as sandbox:
        found = sandbox.run_many([Job(b"while True: pass", limits=Limits(cpu_seconds=0.5))] * 8)
    assert {one.ending for one in found} == {"TLE"}
    assert max(abs(one.cpu_seconds - 0.5) for one in found) <= 0.05


@pytest.mark.parametrize("leaves", [False, True])
def test_nothing_is_left_after_close(one_slot: Sandbox, leaves: bool) -> None:
    with docker_sandbox(slots=3) as sandbox:
        sandbox.run_many([Job(DOUBLE, stdin=b"1")] * 30)
        sandbox.session(Job(b"", mode="echo", trusted=True)).close()
        used = containers_in(sandbox)
        threads = [*sandbox._candidates._slots, *sandbox._testers._slots, sandbox._keeper._thread]
        assert len(used) >= 2
        if leaves:
            endless = sandbox.submit(Job(b"while True: pass"))
            assert until(lambda: busy_cells(sandbox), 10)
            sandbox.leave()
            assert endless.result().ending == "INFRA"
    assert until(lambda: not used & set(containers_of(str(Owner.me()))), 10)
    assert not any(thread.is_alive() for thread in threads)


OWNER = """
import sys
from sandbox.job import Job
from sandbox.hosts.owner import Owner
from sandbox.pool.pool import open_sandbox
from sandbox.settings import SandboxSettings
with open_sandbox(SandboxSettings(slots=2)) as sandbox:
    future = sandbox.submit(Job(b"while True: pass"))
    sandbox.run_many([Job(b"print(1)")])
    print(Owner.me(), flush=True)
    future.result()
    sys.stdin.read()
"""


def test_after_a_kill_of_the_owner_its_containers_go(one_slot: Sandbox) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().decode().strip()
        assert containers_of(owner)
        os.kill(process.pid, signal.SIGKILL)
    assert until(lambda: not containers_of(owner), 10), containers_of(owner)


def test_a_stopped_owner_loses_its_containers(one_slot: Sandbox) -> None:
    """No heartbeat, though its sockets are open: as after a cut network."""
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().decode().strip()
        os.kill(process.pid, signal.SIGSTOP)
        gone = until(lambda: not containers_of(owner), 30)
        os.kill(process.pid, signal.SIGKILL)
    assert gone, containers_of(owner)


def test_containers_of_dead_owners_are_removed_at_start(one_slot: Sandbox) -> None:
    me = Owner.me()
    dead = Owner(me.boot, me.pid, me.started - 1)
    labels = {LABEL: "candidate", OWNER_LABEL: str(dead)}
    image = one_slot._launchers[0].image  # type: ignore[attr-defined]
    left = engine().api.create_container(image, labels=labels, network_disabled=True)["Id"]
    with docker_sandbox(slots=1):
        assert left not in containers_of(str(dead))


def test_numpy_is_there_for_programs_that_ask(one_slot: Sandbox) -> None:
    asks = Job(b"import numpy; print(int(numpy.arange(4).sum()))", numpy=True)
    plain = Job(b"import sys; print('numpy' in sys.modules)")
    found = one_slot.run_many([asks, plain, asks])
    assert [one.stdout for one in found] == [b"6\n", b"False\n", b"6\n"]


@pytest.fixture(scope="module")
def other_engine(one_slot: Sandbox) -> Iterator[SecondEngine]:
    if reason := can_start():
        pytest.skip(reason)
    with second_engine() as engine:
        yield engine


def test_slots_spread_over_several_hosts(other_engine: SecondEngine, one_slot: Sandbox) -> None:
    image = one_slot._launchers[0].image  # type: ignore[attr-defined]
    with docker_sandbox(hosts=(FIRST, other_engine.url), image=image, slots=2) as sandbox:
        together = Job(b"import time; time.sleep(0.5); print(1)")
        found = sandbox.run_many([together] * 2)
        used = [bool(nursery.launched) for nursery in sandbox._candidates.nurseries]
    assert [one.stdout for one in found] == [b"1\n"] * 2
    assert used == [True, True]


def test_a_host_over_tls(other_engine: SecondEngine, one_slot: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    image = one_slot._launchers[0].image  # type: ignore[attr-defined]
    monkeypatch.setenv("DOCKER_CERT_PATH", str(other_engine.certificates))
    with docker_sandbox(hosts=(other_engine.tls_url,), image=image, slots=2) as sandbox:
        assert_it_works(sandbox)
        assert_it_can_be_left(sandbox)


def test_a_host_over_ssh(
    other_engine: SecondEngine, one_slot: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`ssh` is a script that runs the command here instead: everything behind it is real."""
    image = one_slot._launchers[0].image  # type: ignore[attr-defined]
    script = tmp_path / "ssh"
    script.write_text(f'#!/bin/sh\nfor last; do :; done\nexec env DOCKER_HOST={other_engine.url} sh -c "exec $last"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with docker_sandbox(hosts=("ssh://somewhere",), image=image, slots=2) as sandbox:
        assert_it_works(sandbox)
        assert_it_can_be_left(sandbox)


def test_tcp_without_certificates_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CERT_PATH", raising=False)
    with pytest.raises(UserError, match="with TLS only"):
        open_sandbox(SandboxSettings(hosts=("tcp://127.0.0.1:2375",)))


def assert_it_works(sandbox: Sandbox) -> None:
    found = sandbox.run_many([Job(DOUBLE, stdin=b"%d" % number) for number in range(200)])
    assert [one.stdout for one in found] == [b"%d\n" % (2 * number) for number in range(200)]
    big = sandbox.run_many([Job(b"print('x' * 1_000_000)"), Job(b"print(len(input()))", stdin=b"y" * 5_000_000)])
    assert [len(one.stdout) for one in big] == [1_000_001, 8]


def assert_it_can_be_left(sandbox: Sandbox) -> None:
    launcher = sandbox._launchers[0]
    asked = engine_at(launcher.host)
    used = containers_in(sandbox)
    sandbox.leave()
    assert used
    assert until(lambda: not used & {one["Id"] for one in asked.containers(LABEL)}, 20)


def test_an_engine_restart_loses_and_doubles_nothing(other_engine: SecondEngine, one_slot: Sandbox) -> None:
    image = one_slot._launchers[0].image  # type: ignore[attr-defined]
    with docker_sandbox(hosts=(other_engine.url,), image=image, slots=2) as sandbox:
        futures = [sandbox.submit(Job(DOUBLE, stdin=b"%d" % number)) for number in range(400)]
        futures[100].result(timeout=60)
        other_engine.restart()
        found = [future.result(timeout=120) for future in futures]
    assert [one.stdout for one in found] == [b"%d\n" % (2 * number) for number in range(400)]


def test_without_its_engine_a_job_ends_as_infra(other_engine: SecondEngine, one_slot: Sandbox) -> None:
    image = one_slot._launchers[0].image  # type: ignore[attr-defined]
    with docker_sandbox(hosts=(other_engine.url,), image=image, slots=1, patience_seconds=1) as sandbox:
        sandbox.run_many([Job(DOUBLE, stdin=b"1")])
        other_engine.stop()
        found = sandbox.submit(Job(DOUBLE, stdin=b"1")).result(timeout=60)
        other_engine.start()
    assert (found.ending, found.container_ended) == ("INFRA", False), found
