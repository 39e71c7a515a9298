"""One killable child process: `tasks.graders.worker` behind two pipes, timed from outside."""

from __future__ import annotations

import json
import mmap
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.domain.errors import GraderUnavailable
from tasks.graders.worker import FRAME, LOADING, OUT_OF_MEMORY, PROGRESS

PROJECT_ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
POLL_S = 0.05  # how late a change of progress may be noticed
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Program:
    """What a worker runs: `function` (`package.module:name`) on each payload, or what it returns when called with `arguments`.

    `memory_mb` limits the address space, 0: not at all. `environment` is laid over this process's own.
    """

    function: str
    memory_mb: int = 2048
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: ONE_THREAD)


@dataclass(frozen=True)
class Answer:
    """This record is what the function returned for one payload, and the seconds it took."""

    value: Any
    seconds: float


@dataclass(frozen=True)
class Failure:
    """A worker ended or was killed at payload `at` of its batch."""

    at: int
    limit: str  # "timeout" | "memory" | "crash"
    seconds: float


class Worker:
    """One child process and its pipes. Not thread-safe: it belongs to one slot."""

    def __init__(self, program: Program) -> None:
        self._shared = tempfile.TemporaryFile()  # noqa: SIM115  closed by kill()
        self._shared.truncate(mmap.PAGESIZE)
        self._progress = mmap.mmap(self._shared.fileno(), mmap.PAGESIZE)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        fd = self._shared.fileno()
        command = [
            sys.executable, "-m", "tasks.graders.worker", str(os.getpid()), program.function, str(program.memory_mb), str(fd),
            *program.arguments,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            cwd=PROJECT_ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0", **program.environment},  # the same order of sets everywhere
            pass_fds=(fd,),
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._buffer = bytearray()

    def wait_ready(self) -> None:
        """Wait for the worker; GraderUnavailable with its last output when it does not start."""
        if self._next_frame(START_TIMEOUT_S) is None:
            self.process.kill()
            words = self._last_words()
            self.kill()
            raise GraderUnavailable(f"a grading worker did not start: {words or 'no output'}")

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-300:].decode(errors="replace").strip()

    def exchange(self, payloads: Sequence[Any], limit_s: float) -> dict[str, Any] | Failure:
        """Return the worker's reply, or how it failed; `limit_s` holds for each payload. After a Failure the worker is dead."""
        PROGRESS.pack_into(self._progress, 0, 0)
        body = json.dumps(payloads).encode()
        started = time.monotonic()
        try:
            message = memoryview(FRAME.pack(len(body)) + body)
            while message:
                message = message[self._stdin.write(message) or 0 :]
            frame = self._next_frame(limit_s)
        except BrokenPipeError:
            frame = None
        if frame is not None:
            reply: dict[str, Any] = json.loads(frame)
            return reply
        limit = self._reason()
        self.kill()
        return Failure(PROGRESS.unpack_from(self._progress)[0], limit, time.monotonic() - started)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self._stdin, self._stdout, self._errors, self._shared):
            stream.close()

    def alive(self) -> bool:
        return self.process.poll() is None

    def _reason(self) -> str:
        """Return why there was no frame: a worker that still runs was too slow."""
        try:
            status = self.process.wait(0.1 if self._ended else 0)
        except subprocess.TimeoutExpired:
            return "crash" if self._ended else "timeout"
        return "memory" if status == OUT_OF_MEMORY else "crash"

    _ended = False

    def _next_frame(self, limit_s: float) -> bytes | None:
        """Return one frame; None when the worker closed its pipe or made no progress for `limit_s` (START_TIMEOUT_S while it
        loads a library)."""
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        seen, since, loaded = -1, time.monotonic(), True
        while (frame := self._complete_frame()) is None:
            if poll.poll(max(1, int(min(POLL_S, limit_s) * 1000))):
                part = os.read(self._stdout.fileno(), 1 << 20)
                if not part:
                    self._ended = True
                    return None
                self._buffer += part
                continue
            number, loading = PROGRESS.unpack_from(self._progress)[0], bool(self._progress[LOADING])
            if number != seen or (not loading and not loaded):
                seen, since = number, time.monotonic() - (POLL_S if seen >= 0 else 0)
            elif time.monotonic() - since > (START_TIMEOUT_S if loading else limit_s):
                return None
            loaded = not loading
        return frame

    def _complete_frame(self) -> bytes | None:
        if len(self._buffer) < FRAME.size:
            return None
        end = FRAME.size + FRAME.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[FRAME.size : end])
        del self._buffer[:end]
        return frame
