"""Guards child processes so that they never outlive their owner, even when the owner is killed with `kill -9`.

    owner ── life pipe (write end only here) ──> guard ── fork, exec ──> child ──> its descendants
          <── status pipe: pid, exit code ──────

The guard is this module run as a small program in a session of its own. It is the *subreaper* of everything below it,
so a descendant that forks twice or calls setsid is still found under it. When the life pipe closes or the owner's pidfd
says that it ended, every descendant gets SIGKILL. A parent-death signal would not do: it fires when the creating *thread*
ends, and Prefect tasks run in threads. (Between guard and child it is used as well: the guard has one thread.)
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

PROJECT_ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # <linux/prctl.h>
TAIL_BYTES = 256 * 1024
KILL_PATIENCE_S = 20.0  # a process in uninterruptible sleep (disk, GPU driver) dies late


# ---------------------------------------------------------------- the owner's side

_ending = threading.Event()


def is_ending() -> bool:
    """Return whether this process is about to end: its children are gone and no new ones start."""
    return _ending.is_set()


def end_all(grace_s: float = 3.0) -> None:
    """End every working child of this process at once and start no more; threads that wait for one see it end.

    For a flow that is cancelled or told to terminate: its task threads cannot be interrupted, what they wait for can.
    """
    _ending.set()
    living = [child for child in list(_children) if child.poll() is None]
    enders = [threading.Thread(target=child.stop, args=(grace_s,), daemon=True) for child in living]
    for ender in enders:
        ender.start()
    for ender in enders:
        ender.join(grace_s + KILL_PATIENCE_S)


class GuardedProcess:
    """Handle of one guarded child. Usable from several threads."""

    def __init__(self, guard: subprocess.Popen[bytes], life_fd: int, status_fd: int, log_path: Path) -> None:
        self._guard, self._life_fd, self._status_fd = guard, life_fd, status_fd
        self._lock = threading.Lock()
        self._exit_code: int | None = None
        self.log_path = log_path
        self.pid = self._first_report()

    def poll(self) -> int | None:
        """Return None while the child lives, else its exit code (-N: ended by signal N); its descendants are gone by then."""
        with self._lock:
            if self._exit_code is None and self._guard.poll() is not None:
                self._exit_code = self._last_report()
            return self._exit_code

    def wait(self, timeout: float | None = None) -> int:
        """Wait and return the exit code; raises `subprocess.TimeoutExpired` after `timeout` seconds."""
        self._guard.wait(timeout)
        code = self.poll()
        assert code is not None
        return code

    def stop(self, grace_s: float = 5.0) -> int:
        """Send SIGTERM to the child's group, after `grace_s` seconds SIGKILL to all descendants, and return the exit code."""
        with contextlib.suppress(OSError), self._lock:
            if self._exit_code is None:
                os.write(self._life_fd, f"{grace_s}\n".encode())
        try:
            return self.wait(grace_s + KILL_PATIENCE_S + 5)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            return self.wait()

    def log_tail(self, lines: int = 50) -> str:
        """Return the last lines that the child wrote to stdout and stderr."""
        with contextlib.suppress(FileNotFoundError), self.log_path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL_BYTES))
            return "\n".join(stream.read().decode("utf-8", "replace").splitlines()[-lines:])
        return ""

    def __enter__(self) -> GuardedProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stop()

    def _first_report(self) -> int:
        report = json.loads(_read_line(self._status_fd) or '{"error": "its guard process ended at once"}')
        if "error" in report:
            self._guard.wait()
            self._close()
            raise OSError(f"could not start the child process: {report['error']}; see {self.log_path}")
        return int(report["pid"])

    def _last_report(self) -> int:
        line = _read_line(self._status_fd)
        self._close()
        return int(json.loads(line)["exit"]) if line else -signal.SIGKILL  # no word: the guard itself was killed

    def _close(self) -> None:
        os.close(self._life_fd)
        os.close(self._status_fd)


_children: weakref.WeakSet[GuardedProcess] = weakref.WeakSet()
_pids: list[int] = []


def started_pids() -> tuple[int, ...]:
    """Return the process ids of all working children that this process ever started, oldest first."""
    return tuple(_pids)


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log_path: Path,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
    works: bool = True,
) -> GuardedProcess:
    """Start `argv` in a session of its own under a guard; stdout and stderr are appended to `log_path`.

    `env` is laid over this process's environment. The project's root is put on the child's PYTHONPATH, so
    `python -m tasks.engines.X` works from any folder. `pass_fds` stay open in the child. `works`: `end_all` ends it (not the
    API server that is told how the work ended). OSError when it cannot start.
    """
    if _ending.is_set():
        raise OSError("no child process is started any more: this process is ending")
    log_path.parent.mkdir(parents=True, exist_ok=True)
    life_read, life_write = os.pipe()
    status_read, status_write = os.pipe()
    inherited = (life_read, status_write, *pass_fds)
    setup = {"life": life_read, "status": status_write, "owner": os.getpid(), "pass_fds": list(pass_fds)}
    try:
        with log_path.open("ab") as log:
            guard = subprocess.Popen(
                [sys.executable, "-P", "-S", "-m", "tasks.processes.guard", json.dumps(setup), *argv],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                env=_environment(env), pass_fds=inherited, start_new_session=True,
            )  # fmt: skip
    except BaseException:
        os.close(life_write)
        os.close(status_read)
        raise
    finally:
        os.close(life_read)
        os.close(status_write)
    child = GuardedProcess(guard, life_write, status_read, log_path)
    if works:
        _children.add(child)
        _pids.append(child.pid)
    return child


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    merged = {**os.environ, **(extra or {})}
    paths = [str(PROJECT_ROOT), *filter(None, merged.get("PYTHONPATH", "").split(os.pathsep))]
    merged["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    return merged


def _read_line(fd: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(fd, 1)
        if not chunk:
            return b""
        line += chunk
    return line


# ---------------------------------------------------------------- the guard's side (stdlib only: it must start fast)


class _Guard:
    def __init__(self, life_fd: int, status_fd: int, owner_pid: int) -> None:
        self.life_fd, self.status_fd = life_fd, status_fd
        self.child_pid = 0
        self.exit_code: int | None = None
        self.wake_fd = _signals_as_bytes()
        self.owner_fd = _pidfd(owner_pid)

    def run(self, argv: Sequence[str], pass_fds: Sequence[int]) -> None:
        self._start(argv, pass_fds)
        kill_at: float | None = None
        while self.exit_code is None and (kill_at is None or time.monotonic() < kill_at):
            grace = self._wait_for_news(None if kill_at is None else kill_at - time.monotonic())
            if grace is not None and kill_at is None:
                kill_at = time.monotonic() + grace
                _kill_group(self.child_pid, signal.SIGTERM)
        self._kill_descendants()
        self._report({"exit": -signal.SIGKILL if self.exit_code is None else self.exit_code})

    def _start(self, argv: Sequence[str], pass_fds: Sequence[int]) -> None:
        try:
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, pass_fds=pass_fds, start_new_session=True, preexec_fn=_die_with_parent
            )
        except OSError as error:
            self._report({"error": str(error)})
            raise SystemExit(1) from error
        for fd in pass_fds:
            os.close(fd)
        self.child_pid = child.pid
        child.returncode = 0  # reaped below, not by Popen
        self._report({"pid": child.pid})

    def _wait_for_news(self, timeout_s: float | None) -> float | None:
        """Sleep until something happens; return the seconds of grace when the child is to end, else None."""
        watched = [fd for fd in (self.life_fd, self.wake_fd, self.owner_fd) if fd >= 0]
        ready, _, _ = select.select(watched, [], [], None if timeout_s is None else max(0.0, timeout_s))
        self._reap()
        if self.owner_fd in ready:
            return 0.0
        if self.life_fd in ready:
            order = os.read(self.life_fd, 64).split(b"\n")[0]
            return float(order) if order else 0.0  # end of file: the owner is gone
        if self.wake_fd in ready and signal.SIGTERM in os.read(self.wake_fd, 512):
            return 0.0
        return None

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.child_pid:
                    self.exit_code = os.waitstatus_to_exitcode(ended[1])

    def _kill_descendants(self) -> None:
        deadline = time.monotonic() + KILL_PATIENCE_S
        while (alive := list(_descendants(os.getpid()))) and time.monotonic() < deadline:
            for pid in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)
            self._reap()

    def _report(self, message: Mapping[str, object]) -> None:
        with contextlib.suppress(OSError):  # the owner may be gone
            os.write(self.status_fd, json.dumps(message).encode() + b"\n")


def _signals_as_bytes() -> int:
    """A readable descriptor that gets a byte for each SIGCHLD, SIGTERM, SIGINT and SIGHUP."""
    read_fd, write_fd = os.pipe()
    os.set_blocking(write_fd, False)
    os.set_blocking(read_fd, False)
    signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return read_fd


def _pidfd(pid: int) -> int:
    """Readable once `pid` has ended, else -1. (A forked copy of the owner can hold the life pipe open; not this.)"""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return -1


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)


def _descendants(root: int) -> Iterator[int]:
    """Pids below `root`, zombies included (they go when reaped), found by parent pid in /proc."""
    parent = {int(name): _parent(name) for name in os.listdir("/proc") if name.isdigit()}
    for pid in parent:
        above: int | None = parent[pid]
        while above is not None and above != root:
            above = parent.get(above)
        if above == root:
            yield pid


def _parent(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return int(stream.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def main() -> None:
    """Entry of the guard program: argv is the set-up as JSON, then the child's command."""
    setup = json.loads(sys.argv[1])
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    guard = _Guard(setup["life"], setup["status"], setup["owner"])
    guard.run(sys.argv[2:], setup["pass_fds"])


if __name__ == "__main__":
    main()
