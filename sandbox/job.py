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
    (`sandbox/image/inside/calls.py`); any other mode NAME calls `NAME.main(source, channel)` of
    a module in `sandbox/image/inside`, and is used through `Sandbox.session`. `trusted` jobs (tests with expected
    values) run in containers of their own, never beside a candidate program. `alone`: wait until nothing else of this
    sandbox runs.
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
    """How a job ended. `stdout` has at most `Limits.output_bytes` bytes, `stderr_tail` the last few thousand characters.

    `answers` is what came of the calls. `cpu_seconds` covers the process and what it started; `memory_mb` is the largest resident size of one process.
    `contended`: the machine made it wait, so that a TLE may not be its own fault (`reruns` counts repetitions alone).
    `container_ended`: INFRA because its container went away under it. Once is the machine's doing or the program's, on one
    fresh container after another it is the program's.
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
