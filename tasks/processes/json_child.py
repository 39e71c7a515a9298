"""A warm, guarded child program that answers JSON lines; it keeps torch out of the flow process, and loaded between calls."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tasks.domain.errors import EngineDied, RestemError, UserError, one_sentence
from tasks.processes.guard import GuardedProcess, spawn
from tasks.processes.server_log import ending

DYING_S = 1.0  # a program that closed its socket is about to end by itself, with its own exit code

Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class JsonChild:
    """`python -m module`, started by the first `call`; one call at a time, from any thread."""

    def __init__(self, module: str, log_path: Path, env: Mapping[str, str] | None = None) -> None:
        self._module, self._log_path, self._env = module, log_path, env
        self._process: GuardedProcess | None = None
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def call(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the program's answer. UserError as raised there; EngineDied when it failed, ended or took too long."""
        with self._lock:
            self._start()
            line = self._exchange(json.dumps(message).encode() + b"\n", timeout_s)
        answer = json.loads(line)
        if "user_error" in answer:
            raise UserError(answer["user_error"])
        if "error" in answer:
            raise EngineDied(f"{self._module}: {answer['error']}; see {self._log_path}")
        return dict(answer)

    def close(self) -> None:
        """End the program; a call in another thread fails with EngineDied."""
        process, channel, self._process, self._socket = self._process, self._socket, None, None
        if process is not None:
            process.stop(grace_s=0)
        if channel is not None:
            channel.close()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        ours, theirs = socket.socketpair()
        argv = [sys.executable, "-P", "-m", self._module, str(theirs.fileno())]
        with theirs:
            self._process = spawn(argv, env=self._env, log_path=self._log_path, pass_fds=(theirs.fileno(),))
        self._socket = ours

    def _exchange(self, line: bytes, timeout_s: float) -> bytes:
        channel, process = self._socket, self._process
        if channel is None or process is None:
            raise EngineDied(f"{self._module} was closed")
        try:
            channel.settimeout(timeout_s)
            channel.sendall(line)
            with channel.makefile("rb") as stream:
                answer = stream.readline()
        except TimeoutError as error:
            process.stop(grace_s=0)
            raise EngineDied(f"{self._module} did not answer within {timeout_s:g} s; see {self._log_path}") from error
        except OSError:
            answer = b""
        if not answer:
            how = ending(_exit_code(process), process.log_tail(400))
            raise EngineDied(f"{self._module} {how}; see {self._log_path}")
        return answer


def _exit_code(process: GuardedProcess) -> int:
    try:
        return process.wait(DYING_S)
    except subprocess.TimeoutExpired:
        return process.stop(grace_s=0)


def answer_lines(handle: Handler) -> None:
    """The program's side: answer each line on the socket named in argv until the owner closes it."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    with channel, channel.makefile("rwb") as stream:
        for line in stream:
            stream.write(json.dumps(_answer(handle, json.loads(line))).encode() + b"\n")
            stream.flush()


def _answer(handle: Handler, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The boundary of the child program: whatever goes wrong inside becomes an answer."""
    try:
        return handle(message)
    except UserError as error:
        return {"user_error": str(error)}
    except RestemError as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - named boundary: the parent turns it into EngineDied
        return {"error": f"{type(error).__name__}: {one_sentence(error)}"}
