"""A program with its tests, and the session in which it is called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.grading.tests import Tests
from sandbox.job import DEFAULT_LIMITS, Execution, Job
from sandbox.limits import Limits
from sandbox.pool.pool import Sandbox, Session
from sandbox.status import Ending

SPARE_SECONDS = 60.0  # beyond every limit: after it the sandbox is at fault, not the program
_IMPORT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+([^\n]+)", re.MULTILINE)
_NUMPY = re.compile(rb"(?:^|,|;[ \t]*(?:import|from)[ \t])[ \t]*(?:numpy|scipy|pandas)\b")


@dataclass(frozen=True)
class Program:
    """A source and the tests that it must pass. `run_all`: also the tests after one that failed, for a graded reward."""

    source: bytes
    tests: Tests
    limits: Limits = DEFAULT_LIMITS
    run_all: bool = False


def wants_numpy(source: bytes) -> bool:
    """Return whether the program needs the slower interpreter that holds numpy. The time is linear in the text's length."""
    return any(_NUMPY.search(line[1]) for line in _IMPORT.finditer(source))


def candidate(sandbox: Sandbox, program: Program, alone: bool, numpy: bool = False) -> Session:
    """Start the program in a process of its own, to be called."""
    numpy = numpy or wants_numpy(program.source)
    return sandbox.session(Job(program.source, "call", limits=program.limits, numpy=numpy, alone=alone))


def received(session: Session, limits: Limits) -> bytes | Execution:
    """Return the next frame or the end. The sandbox ends every child in time, so longer silence is a fault of the sandbox."""
    try:
        return session.receive(limits.hard_wall_seconds + SPARE_SECONDS)
    except TimeoutError:
        return Execution(Ending.INFRA, detail="neither an answer nor an end")
