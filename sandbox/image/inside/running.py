"""One job while it runs: its files, its child, its channel, its clock; and its result."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

from . import child, frames, procs
from .conversation import Conversation
from .memory_files import contents, memory_file
from .workshop import Odd, Workshop

STDERR_TAIL_BYTES = 4096
PIPE_READ_BYTES = 1 << 16
MIN_CHECK_SECONDS = 0.002
ONE_CORE_SECONDS = 1.0  # the longest time without a look at a job
ANY_CORES_SECONDS = 0.05  # without a control group a job may use several cores at once
AGAIN_SECONDS = 0.005
LOOKS, LOOK_SECONDS = 4, 0.002  # a program with several threads is for moments between them
CONTENDED_SHARE = 0.2  # of its wall time a program waited for the CPU
STDERR_BYTES = 1 << 26  # only its tail is kept, but reading it costs us more than it costs the program to write


class Run:
    """Made when the job starts. `progress` handles what is ready; when `ended`, `result` is its frame."""

    def __init__(self, workshop: Workshop, poll: select.poll, header: dict[str, Any], blobs: list[bytes]) -> None:
        self._workshop, self._poll = workshop, poll
        self._id, self._limits = header["id"], header["limits"]
        self._answers = -1
        self._zygote = workshop.zygote(header["mode"], header["numpy"])
        self._uid = workshop.next_uid()
        self._answer: dict[str, Any] = {}  # how the child ended, once it has
        self._cause = self._detail = ""
        self._tail, self._complaints = b"", 0
        self._starved = False
        self.talk: Conversation | None = None
        self._start(header["mode"], blobs)

    # ------------------------------------------------------------ start

    def _start(self, mode: str, blobs: list[bytes]) -> None:
        source, stdin = (memory_file(blob) for blob in blobs[:2])
        self._stdout = os.memfd_create("stdout")
        self._stderr, stderr = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._stderr, False)
        theirs = [source, stdin, self._stdout, stderr]
        if child.EXTRA_FDS.get(mode, 1) == 1:
            ours, other = socket.socketpair()
            self.talk = Conversation(ours, self._poll, self.kill, self._limits["output_bytes"], blobs[2:])
            theirs.append(other.detach())
        elif len(blobs) > 2:
            self._answers = os.memfd_create("answers")
            theirs += [memory_file(blobs[2]), self._answers]
        self._workshop.meter.new_memory_kill()  # what was killed before is none of this program's
        self._cpu_before, self._began = self._workshop.cpu(), time.monotonic()
        request = {"do": "run", "mode": mode, "uid": self._uid, "limits": self._limits}
        self._zygote.ask(request, tuple(theirs))
        for fd in theirs:
            if fd not in (self._stdout, self._answers):
                os.close(fd)
        for fd in self._fds():
            self._poll.register(fd, select.POLLIN)
        self._idle_at = self._began + self._limits["idle_wall_seconds"]
        self._hard_at = self._began + self._limits["hard_wall_seconds"]
        self._check_at = self._began + self._longest_wait()

    def _fds(self) -> list[int]:
        """The zygote's, and those of the child that are still open."""
        channel = [] if self.talk is None or self.talk.fd < 0 else [self.talk.fd]
        stderr = [] if self._stderr < 0 else [self._stderr]
        return [self._zygote.control.fileno(), *stderr, *channel]

    # ------------------------------------------------------------ while it runs

    @property
    def ended(self) -> bool:
        return bool(self._answer)

    def next_check(self) -> float:
        """When this job wants to be looked at, as a time of the monotonic clock."""
        if self._cause or self._owners_turn():
            return self._check_at
        return min(self._check_at, self._idle_at + self._owner_took(), self._hard_at)

    def _owners_turn(self) -> bool:
        """Whether the child has answered and waits for the next message."""
        return self.talk is not None and self.talk.owner_since is not None

    def _owner_took(self) -> float:
        """Seconds in which it waited so."""
        return 0.0 if self.talk is None else self.talk.owner_took

    def progress(self, ready: set[int]) -> Iterator[bytes]:
        """Handle what is ready and what is due; yields messages for the owner."""
        if self._stderr in ready:
            self._read_stderr()
        if self.talk is not None and self.talk.fd in ready:
            self.talk.write()
            yield from self.talk.read(to_its_end=False)
        if self._zygote.control.fileno() in ready:
            self._answer = self._zygote.answer()
        if self.ended and self.talk is not None:
            yield from self.talk.read(to_its_end=True)
        elif not self.ended and time.monotonic() >= self.next_check():
            self._kill_all() if self._cause else self._check_time()

    def _check_time(self) -> None:
        now, cpu = time.monotonic(), self._workshop.cpu() - self._cpu_before
        limit = self._limits["cpu_seconds"]
        if cpu >= limit:
            self.kill("TLE", f"{cpu:.2f} s of CPU time, the limit is {limit:g} s")
        elif self._workshop.meter.new_memory_kill():
            self.kill("MLE", "the container's memory was used up")
        elif now >= self._hard_at or (self._too_long(now) and not self._computes()):
            self.kill("IDLE", f"{now - self._began:.1f} s of wall time with {cpu:.2f} s of CPU time")
        elif self._too_long(now):
            self._starved = True
            self._idle_at = now + self._limits["idle_wall_seconds"] / 4 - self._owner_took()
        self._check_at = now + min(max(limit - cpu, MIN_CHECK_SECONDS), self._longest_wait())

    def _too_long(self, now: float) -> bool:
        return not self._owners_turn() and now >= self._idle_at + self._owner_took()

    def _longest_wait(self) -> float:
        """A container has one core: its CPU time is not spent faster than wall time."""
        limit: float = self._limits["cpu_seconds"]
        return min(limit, ANY_CORES_SECONDS if self._workshop.meter.version is None else ONE_CORE_SECONDS)

    def _computes(self) -> bool:
        """Slow because the machine is busy, and not because it waits: a thread of it could run whenever we look."""
        if select.select(self._fds()[1:], [], [], 0)[0]:
            return True  # it may wait for us to read what it writes
        for _ in range(LOOKS):
            if procs.any_runnable(self._workshop.strays()):
                return True
            time.sleep(LOOK_SECONDS)
        return False

    def kill(self, cause: str, detail: str = "") -> None:
        """End the child; the first cause counts."""
        if not self._cause:
            self._cause, self._detail = cause, detail
            if self.talk is not None:
                self.talk.over = True
            self._kill_all()

    def _kill_all(self) -> None:
        """Again and again until the zygote has buried the child: it may not even have been forked yet."""
        self._check_at = time.monotonic() + AGAIN_SECONDS
        for pid in self._workshop.strays():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _read_stderr(self) -> None:
        try:
            data = os.read(self._stderr, PIPE_READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._poll.unregister(self._stderr)
            os.close(self._stderr)
            self._stderr = -1
        self._tail = (self._tail + data)[-STDERR_TAIL_BYTES:]
        self._complaints += len(data)
        if self._complaints > STDERR_BYTES and not self.ended:
            self.kill("OLE", f"more than {STDERR_BYTES} bytes on stderr")

    # ------------------------------------------------------------ the end

    def result(self) -> tuple[bytes, Odd | None]:
        """The result frame, and why this container cannot go on. Output is frozen: nothing of the job is alive then."""
        wall = self._answer["ended"] - self._began
        odd = self._cleaned()
        cpu = max(self._answer["cpu"], self._workshop.cpu() - self._cpu_before if odd is None else 0.0)
        size = os.fstat(self._stdout).st_size
        said = 0 if self._answers < 0 else os.fstat(self._answers).st_size
        header = self._verdict(max(size, said)) | {
            "id": self._id,
            "cpu_seconds": cpu,
            "wall_seconds": wall,
            "memory_mb": self._answer["rss_kb"] / 1024,
        }
        own = wall - self._owner_took()
        waited = own - cpu > CONTENDED_SHARE * own
        header["contended"] = waited and (header["ending"] != "IDLE" or self._starved)
        if odd is not None:
            header |= {"ending": "HOSTILE", "detail": str(odd)}
        most = self._limits["output_bytes"]
        stdout = contents(self._stdout, min(size, most))
        kept = b"" if self.talk is None else bytes(self.talk.kept)
        answers = kept or contents(self._answers, min(said, most))
        self._close()
        return frames.packed(frames.RESULT, header, stdout, self._tail, answers), odd

    def _cleaned(self) -> Odd | None:
        try:
            self._workshop.clean(self._uid)
        except (Odd, OSError) as reason:
            return Odd(str(reason))
        finally:
            while self._stderr >= 0 and select.select([self._stderr], [], [], 0)[0]:
                self._read_stderr()
        return None

    def _verdict(self, size: int) -> dict[str, Any]:
        code, killer = _status(self._answer["status"])
        ending, detail = self._cause, self._detail
        if size > self._limits["output_bytes"]:
            ending, detail = "OLE", f"more than {self._limits['output_bytes']} bytes of output"
        elif not ending:
            ending, detail = self._natural_end(code, killer)
        if code in (child.EXIT_COMPILE, child.EXIT_MEMORY, child.EXIT_ATEXIT):
            code = 1
        return {"ending": ending, "detail": detail, "exit_code": code, "signal": killer}

    def _natural_end(self, code: int | None, killer: int | None) -> tuple[str, str]:
        # whichever of its processes was killed and however soon the others ended: the verdict is no race with `_check_time`
        if self._workshop.meter.new_memory_kill():
            return "MLE", "the container's memory was used up"
        if code == 0:
            return "OK", ""
        if code is not None:
            special = {
                child.EXIT_COMPILE: ("CE", "does not compile"),
                child.EXIT_MEMORY: ("MLE", "memory could not be had"),
                child.EXIT_ATEXIT: ("RE", "failed while it was ending"),
            }
            return special.get(code, ("RE", f"exit code {code}"))
        if killer == signal.SIGSYS:
            return "SECURITY", "killed by the system call filter"
        if killer == signal.SIGXCPU or self._answer["cpu"] >= self._limits["cpu_seconds"]:
            return "TLE", f"{self._answer['cpu']:.2f} s of CPU time"
        return "RE", f"signal {killer}"

    def _close(self) -> None:
        if self.talk is not None:
            self.talk.close()
        if self._stderr >= 0:
            self._poll.unregister(self._stderr)
            os.close(self._stderr)
        self._poll.unregister(self._zygote.control.fileno())
        os.close(self._stdout)
        if self._answers >= 0:
            os.close(self._answers)


def _status(status: int) -> tuple[int | None, int | None]:
    """Exit code and signal of a wait status."""
    if os.WIFSIGNALED(status):
        return None, os.WTERMSIG(status)
    return os.WEXITSTATUS(status), None
