"""Every hostile program gets its ending; after each an honest job is right and nothing is left."""

from __future__ import annotations

import pytest

from sandbox.job import Execution, Job
from sandbox.limits import Limits
from sandbox.pool.pool import Sandbox
from tests.sandbox.attacks import ATTACKS, Attack

pytestmark = pytest.mark.heavy

HONEST = b"print(sum(map(int, input().split())))"
WHAT_IS_LEFT = b"""
import os
pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
foreign = [pid for pid in pids if pid != os.getpid() and os.stat(f'/proc/{pid}').st_uid != 0]
marks = {max(os.lstat(path).st_mtime, os.lstat(path).st_atime) for path in ('/dev/null', '/dev/tty', '/dev/fd', '/dev/mqueue', '/dev/shm')}
print(foreign, os.listdir('/tmp'), os.listdir('/dev/shm'), len(open('/proc/sysvipc/shm').readlines()) - 1, marks)
"""


def run(sandbox: Sandbox, attack: Attack) -> Execution:
    return sandbox.run_many([Job(attack.source, stdin=attack.stdin, limits=attack.limits)])[0]


def assert_ending(found: Execution, attack: Attack) -> None:
    assert found.ending in attack.endings.split(), found
    assert attack.check(found), found


def assert_honest_job_is_right(sandbox: Sandbox) -> None:
    honest = sandbox.run_many([Job(HONEST, stdin=b"20 22\n", limits=Limits(cpu_seconds=2))])[0]
    assert (honest.ending, honest.stdout) == ("OK", b"42\n"), honest


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_hostile_program_gets_its_ending_and_leaves_nothing(one_slot: Sandbox, attack: Attack) -> None:
    for _ in range(attack.times):
        found = run(one_slot, attack)
        left = one_slot.run_many([Job(WHAT_IS_LEFT)])[0]
        assert_honest_job_is_right(one_slot)
        assert left.stdout == b"[] [] [] 0 {0.0}\n", left
        assert_ending(found, attack)


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.anywhere], ids=lambda attack: attack.name)
def test_the_plain_backend_ends_the_same_programs_the_same_way(plain_processes: Sandbox, attack: Attack) -> None:
    assert_ending(run(plain_processes, attack), attack)
    assert_honest_job_is_right(plain_processes)
