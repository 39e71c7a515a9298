"""Every hostile program gets its ending; after each an honest job is right and nothing is left."""

from __future__ import annotations

import pytest

from sandbox.job import Execution, Job
from sandbox.limits import Limits
from sandbox.pool.pool import Sandbox
from tests.sandbox.attacks import ATTACKS, Attack

pytestmark = pytest.mark.heavy

HONEST = b"print(sum(map(int, input().split())))"
CHILD_KILLED_FOR_MEMORY = b"""
import os, time
for _ in range(4):
    if not os.fork():
        open('/proc/self/oom_score_adj', 'w').write('1000')
        kept = bytearray(400 << 20)
        time.sleep(30)
dead, status = os.wait()
print(os.WTERMSIG(status))
"""
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


def test_a_program_does_not_answer_for_the_memory_of_the_one_before(one_slot: Sandbox) -> None:
    assert ending_of(one_slot, CHILD_KILLED_FOR_MEMORY) == "MLE"
    idle = one_slot.run_many([Job(b"import signal; signal.pause()", limits=Limits(wall_seconds=1))])[0]
    assert idle.ending == "IDLE", idle


@pytest.mark.parametrize("wait_s", [0.0, 0.5])
def test_a_program_whose_child_was_killed_for_memory_ends_so_however_soon_it_ends_itself(
    one_slot: Sandbox, wait_s: float
) -> None:
    """The kernel kills a child while the program goes on; nobody who looks now and then has the same word each time."""
    assert ending_of(one_slot, CHILD_KILLED_FOR_MEMORY + f"time.sleep({wait_s})\n".encode()) == "MLE"


def ending_of(sandbox: Sandbox, program: bytes) -> str:
    return sandbox.run_many([Job(program, limits=Limits(cpu_seconds=10, wall_stretch=4))])[0].ending


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.anywhere], ids=lambda attack: attack.name)
def test_the_plain_backend_ends_the_same_programs_the_same_way(plain_processes: Sandbox, attack: Attack) -> None:
    assert_ending(run(plain_processes, attack), attack)
    assert_honest_job_is_right(plain_processes)
