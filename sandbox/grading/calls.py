"""Runs tests that call a function: one process per test, whose returned value comes out as data and is compared here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.grading.compare import same_value
from sandbox.grading.outcome import Outcome, ended_early, outcome_of, shortened
from sandbox.grading.program import Program, wants_numpy
from sandbox.grading.tests import CallTest
from sandbox.grading.values import returned_value
from sandbox.image.inside.encoding import encode
from sandbox.image.inside.values import MAX_BYTES, Malformed, piece
from sandbox.job import Execution, Job
from sandbox.pool.pool import Sandbox
from sandbox.status import Ending, Status

REQUEST_BYTES = 1 << 26
LENGTH_BYTES = 4


@dataclass(frozen=True)
class Request:
    """A call of a function that the program defines."""

    function: str
    arguments: tuple[object, ...]
    keywords: tuple[tuple[str, object], ...] = ()


def calls_job(program: Program, requests: Sequence[Request], provided: bool) -> Job:
    """Return a job that makes all `requests` in one process. `provided` adds the names that sites with a given signature import."""
    listed = [(one.function, list(one.arguments), dict(one.keywords)) for one in requests]
    data = encode([provided, *listed], REQUEST_BYTES)
    return Job(program.source, "calls", b"", data, program.limits, wants_numpy(program.source))


def turns_job(program: Program, requests: Sequence[Request]) -> Job:
    """Return a job that makes `requests` in one process, which learns of each when it has answered the one before."""
    data = b"".join(
        piece(encode((one.function, list(one.arguments), dict(one.keywords)), REQUEST_BYTES)) for one in requests
    )
    return Job(program.source, "turns", b"", data, program.limits, wants_numpy(program.source))


def answers_of(execution: Execution, calls: int) -> list[bytes]:
    """Return the answers of such a job, the first for the program's top level; fewer where it ended early or wrote nonsense."""
    data, found, at = execution.answers, list[bytes](), 0
    while at + LENGTH_BYTES <= len(data) and len(found) <= calls:
        end = at + LENGTH_BYTES + int.from_bytes(data[at : at + LENGTH_BYTES], "big")
        if end > len(data):
            break
        found.append(data[at + LENGTH_BYTES : end])
        at = end
    return found


def outcome_of_call(sandbox: Sandbox, program: Program, test: CallTest) -> Outcome:
    """Make one call in one process and compare its result as data."""
    job = calls_job(program, [Request(test.function, test.arguments)], provided=True)
    execution = sandbox.submit(job).result()
    answers = answers_of(execution, 1)
    if execution.ending != Ending.OK or len(answers) < 2:
        return ended_early(execution)
    verdict, detail = _decided(answers[1], test)
    return outcome_of(execution, verdict, detail)


def _decided(answer: bytes, test: CallTest) -> tuple[Status, str]:
    """Compare the returned value with the expected one."""
    kind, content = answer[:1], answer[1:]
    if kind == b"L" or len(content) > MAX_BYTES:
        return Status.OLE, "the returned value is too large"
    if kind == b"O":
        return Status.WA, shortened(f"an object of {content.decode(errors='replace')}")
    if kind not in (b"V", b"E"):
        return Status.WA, "not an answer"
    try:
        if kind == b"E":
            return Status.RE, error_text(content)
        value = returned_value(content)
    except Malformed as error:
        return Status.WA, shortened(f"not a value: {error}")
    right = same_value(test.expected, value, test.alone)
    return (Status.AC, "") if right else (Status.WA, "another value")


def error_text(content: bytes) -> str:
    """Return the text of the program's exception, which the program wrote. Raises Malformed."""
    described = returned_value(content)
    text = described[2] if isinstance(described, list) and len(described) > 2 else ""
    return shortened(text.strip().splitlines()[-1]) if isinstance(text, str) and text.strip() else ""
