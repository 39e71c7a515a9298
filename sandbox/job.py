"""What goes into the sandbox and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.limits import Limits
from sandbox.status import Ending

DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Job:
    """One program for one fresh process.

    `mode` "stdin" runs the source as `__main__` with `stdin`; "calls" calls functions of it, as `requests` say
    (`sandbox/image/inside/calls.py`), and "turns" calls them when the one before is answered (`turns.py` there); any other mode NAME calls `NAME.main(source, channel)` of
    a module in `sandbox/image/inside`, and is used through `Sandbox.session`. `trusted` jobs (tests with expected
    values) run in containers of their own, never beside a candidate program. An `alone` job waits until no other
    job of this sandbox runs.
    """

    source: bytes
    mode: str = "stdin"
    stdin: bytes = b""
    requests: bytes = b""
    limits: Limits = DEFAULT_LIMITS
    numpy: bool = False
    trusted: bool = False
    alone: bool = False


@dataclass(frozen=True)
class Execution:
    """How a job ended. `stdout` holds at most `Limits.output_bytes` bytes, `stderr_tail` the last few thousand characters.

    `answers` holds the answers of the calls. `cpu_seconds` covers the process and what it started; `memory_mb` is the largest resident size of one process.
    `contended` says that the machine made it wait, so that a TLE may not be its own fault (`reruns` counts repetitions alone).
    `container_ended` says that it is INFRA because its container ended. Once, the machine or the program may be the cause; on one
    fresh container after another it is the program.
    """

    ending: Ending
    stdout: bytes = b""
    stderr_tail: str = ""
    exit_code: int | None = None
    signal: int | None = None
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    memory_mb: float = 0.0
    detail: str = ""
    reruns: int = 0
    contended: bool = False
    container_ended: bool = False
    answers: bytes = b""
