"""What outlives a job in a container: zygotes, uids, the meter, the one writable folder, and its cleaning."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import time
from typing import Any

from . import meter, procs, zygote
from .packages import PACKAGES

ANSWER_BYTES = 4096
CLEAN_SECONDS = 10.0  # a million files take less; longer is odd
PR_SET_CHILD_SUBREAPER = 36


class Odd(Exception):
    """Something that must not happen happened: this container is not used any more."""


class Zygote:
    """A warm interpreter in a process of its own, and the socket to it."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid = pid
        self.control = control

    def ask(self, request: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        """Send a request; the answers are read by `answer`."""
        try:
            socket.send_fds(self.control, [json.dumps(request).encode()], list(fds))
        except OSError as error:
            raise Odd(f"the zygote is gone: {error}") from error

    def answer(self) -> dict[str, Any]:
        """Its next answer."""
        try:
            text = self.control.recv(ANSWER_BYTES)
        except OSError as error:
            raise Odd(f"the zygote is gone: {error}") from error
        if not text:
            raise Odd("the zygote is gone")
        found: dict[str, Any] = json.loads(text)
        return found


class Workshop:
    """`options` as the supervisor got them."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._uid_first, self._uid_count = options["uid_first"], options["uid_count"]
        self.tmp: str = options["tmp"]
        self._trusted: bool = options["trusted"]
        self._jobs = 0
        self._in_container = os.getpid() == 1
        if not self._in_container:
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        version = meter.cgroup_version() if self._in_container else None
        self.meter: Any = meter.ProcessMeter(self.strays) if version is None else meter.CgroupMeter(version)
        os.chdir(self.tmp)  # a program may write files where it runs
        self._zygotes = {"stdin": self._first_zygote()}
        if self._trusted:
            self._zygotes["modes"] = self._zygotes["stdin"]  # it holds them all
        self._marks = [path for path in _all_in("/dev") if _unmark(path)] if self._in_container else []

    def describe(self) -> dict[str, Any]:
        """What the owner wants to know of this container."""
        return {
            "python": sys.version.split()[0],
            "boot": _boot(),
            "cgroup": self.meter.version,
            "limits": self.meter.limits(),
            "packages": [
                name
                for name in PACKAGES
                if any(os.path.isfile(os.path.join(place, name, "__init__.py")) for place in sys.path)
            ],
            "pid": os.getpid(),
        }

    @property
    def runner(self) -> set[int]:
        """Pids of the zygotes."""
        return {zygote.pid for zygote in self._zygotes.values()}

    def zygote(self, mode: str, numpy: bool) -> Zygote:
        """The one that holds what such a job needs, split off the first when it is first asked for."""
        kind = "numpy" if numpy else "stdin" if mode == "stdin" else "modes"
        if kind not in self._zygotes:
            self._zygotes[kind] = self._second_zygote(["numpy"] if numpy else [])
        return self._zygotes[kind]

    def next_uid(self) -> int | None:
        """A uid that the last jobs did not have; None where children keep ours."""
        self._jobs += 1
        return self._uid_first + self._jobs % self._uid_count if self._uid_count else None

    def cpu(self) -> float:
        """CPU seconds of jobs so far."""
        seconds: float = self.meter.jobs_cpu(self.runner)
        return seconds

    def clean(self, uid: int | None) -> None:
        """No process and no file of the last job is left, or Odd."""
        if not self.meter.only(1 + len(self.runner)) and self._living_strays():
            if uid is not None:
                self._asked({"do": "end", "uid": uid}, "processes of a job could not be ended")
            self._wait_for_strays(uid)
        if os.listdir(self.tmp):
            self._asked({"do": "empty", "uid": uid, "tmp": self.tmp}, "files of a job could not be removed")
        for path in self._marks:
            _unmark(path)

    def _asked(self, request: dict[str, Any], failure: str) -> None:
        """A process of the zygote's that must end with 0 in time, or Odd."""
        first = self._zygotes["stdin"]
        first.ask(request)
        first.control.settimeout(CLEAN_SECONDS)
        if first.answer()["status"] != 0:
            raise Odd(failure)
        first.control.settimeout(None)

    def _living_strays(self) -> list[int]:
        self._reap()
        return self.strays()

    def _wait_for_strays(self, uid: int | None) -> None:
        deadline = time.monotonic() + CLEAN_SECONDS
        while True:
            strays = self._living_strays()
            if not strays:
                return
            if uid is None:
                _kill(strays)
            if time.monotonic() > deadline:
                raise Odd(f"processes of a job did not end: {strays[:5]}")
            time.sleep(0.0005)

    def strays(self) -> list[int]:
        """Every process here that is not the runner's own."""
        runner = {1, os.getpid()} | self.runner
        found = procs.in_container(runner) if self._in_container else procs.descendants(os.getpid())
        return [pid for pid in found if pid not in runner]

    def _reap(self) -> None:
        """Orphans come to us; a zygote among the dead is odd."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.runner:
                raise Odd("a zygote ended")

    def _first_zygote(self) -> Zygote:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid:
            theirs.close()
            return Zygote(pid, ours)
        try:
            ours.close()
            null = os.open("/dev/null", os.O_RDWR)
            for fd in (0, 1):
                os.dup2(null, fd)
            zygote.serve(theirs, self._trusted)
        finally:
            os._exit(1)

    def _second_zygote(self, packages: list[str]) -> Zygote:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._zygotes["stdin"].ask({"do": "split", "packages": packages}, (theirs.fileno(),))
        theirs.close()
        pid = json.loads(ours.recv(ANSWER_BYTES) or b'{"pid": 0}')["pid"]
        if not pid:
            raise Odd(f"a second zygote with {', '.join(packages) or 'all modes'} could not start")
        return Zygote(pid, ours)


def _boot() -> str | None:
    """The name of this boot of the kernel that we run on, which need not be that of the owner's machine."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return None


def _all_in(folder: str) -> list[str]:
    found = [folder]
    for entry in os.scandir(folder):
        found += _all_in(entry.path) if entry.is_dir(follow_symlinks=False) else [entry.path]
    return found


def _unmark(path: str) -> bool:
    """Forget when a program last read or touched a device, which would tell the next one; whether that is possible."""
    try:
        os.utime(path, ns=(0, 0), follow_symlinks=False)
    except OSError:
        return False
    return True


def _kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue
