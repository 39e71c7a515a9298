"""A guarded child never outlives its owner."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.processes import guard

# A child with a grandchild, and a grandchild that forked twice and left the session. Each writes its pid.
FAMILY = """
import os, subprocess, sys, time
out = sys.argv[1]
def note(name):
    with open(f"{out}/{name}.tmp", "w") as f: f.write(str(os.getpid()))
    os.rename(f"{out}/{name}.tmp", f"{out}/{name}")
note("child")
if os.fork() == 0:
    note("grandchild"); time.sleep(600)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setpgid(0, 0); note("daemon"); time.sleep(600)
    os._exit(0)
time.sleep(600)
"""
OWNER = """
import sys, time
from pathlib import Path
from tasks.processes import guard
out = Path(sys.argv[1])
child = guard.spawn([sys.executable, "-c", sys.argv[2], str(out)], log_path=out / "child.txt")
time.sleep(600)
"""
MEMBERS = ("child", "grandchild", "daemon")


def wait_until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition did not come true"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def family(folder: Path) -> list[int]:
    wait_until(lambda: all((folder / name).exists() for name in MEMBERS))
    return [int((folder / name).read_text()) for name in MEMBERS]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_whole_family_dies_with_its_owner(tmp_path, how):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path), FAMILY], cwd=guard.PROJECT_ROOT)
    pids = family(tmp_path)
    assert all(map(alive, pids))
    owner.send_signal(how)
    owner.wait()
    wait_until(lambda: not any(map(alive, pids)))


def test_stop_ends_the_whole_family(tmp_path):
    child = guard.spawn([sys.executable, "-c", FAMILY, str(tmp_path)], log_path=tmp_path / "log.txt")
    pids = family(tmp_path)
    assert child.pid == pids[0]
    assert child.poll() is None
    assert child.stop(grace_s=5) == -signal.SIGTERM
    assert not any(map(alive, pids))
    assert child.stop() == -signal.SIGTERM  # again: harmless


def test_descendants_go_when_the_child_dies_alone(tmp_path):
    child = guard.spawn([sys.executable, "-c", FAMILY, str(tmp_path)], log_path=tmp_path / "log.txt")
    pids = family(tmp_path)
    os.kill(pids[0], signal.SIGKILL)
    assert child.wait(20) == -signal.SIGKILL
    assert not any(map(alive, pids))


def test_a_child_that_ignores_sigterm_is_killed(tmp_path):
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    child = guard.spawn([sys.executable, "-c", code], log_path=tmp_path / "log.txt")
    wait_until(lambda: "up" in child.log_tail())
    assert child.stop(grace_s=0.2) == -signal.SIGKILL


def test_child_dies_when_its_guard_is_killed(tmp_path):
    child = guard.spawn([sys.executable, "-c", "import time; time.sleep(600)"], log_path=tmp_path / "log.txt")
    child._guard.kill()
    assert child.wait(20) == -signal.SIGKILL
    wait_until(lambda: not alive(child.pid))


def test_a_forked_copy_of_the_owner_does_not_keep_the_child_alive(tmp_path):
    fork = "import os\nif os.fork() == 0: time.sleep(8); os._exit(0)\n"
    owner_code = OWNER.replace("time.sleep", f"{fork}time.sleep")
    owner = subprocess.Popen([sys.executable, "-c", owner_code, str(tmp_path), FAMILY], cwd=guard.PROJECT_ROOT)
    pids = family(tmp_path)
    owner.kill()
    owner.wait()
    wait_until(lambda: not any(map(alive, pids)), seconds=6)


def test_exit_code_environment_folder_and_log_reach_their_places(tmp_path):
    code = "import os,sys; print(os.environ['COLOUR'], os.getcwd()); import tasks.processes.guard; sys.exit(7)"
    log = tmp_path / "log.txt"
    child = guard.spawn([sys.executable, "-c", code], env={"COLOUR": "red"}, log_path=log, cwd=tmp_path)
    assert child.wait(20) == 7
    assert child.log_tail() == f"red {tmp_path}"


def test_a_missing_program_is_an_error_at_once(tmp_path):
    with pytest.raises(OSError, match="no-such-program"):
        guard.spawn(["no-such-program"], log_path=tmp_path / "log.txt")


def test_an_inherited_socket_reaches_the_child_and_closes_with_it(tmp_path):
    ours, theirs = socket.socketpair()
    code = f"import socket; s = socket.socket(fileno={theirs.fileno()}); s.sendall(b'hello')"
    child = guard.spawn([sys.executable, "-c", code], log_path=tmp_path / "log.txt", pass_fds=(theirs.fileno(),))
    theirs.close()
    assert ours.recv(16) == b"hello"
    assert child.wait(20) == 0
    assert ours.recv(16) == b""  # the guard kept no copy of the other end
