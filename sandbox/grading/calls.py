"""Tests that call a function: one process a test; the value that it returned comes out as data and is compared here."""

from __future__ import annotations

import contextlib

from sandbox.grading.compare import same_value
from sandbox.grading.outcome import Outcome, ended_early, outcome_of, shortened
from sandbox.grading.prelude import with_prelude
from sandbox.grading.program import Program, candidate, received
from sandbox.grading.tests import CallTest
from sandbox.grading.values import returned_value
from sandbox.image.inside.encoding import Encoder
from sandbox.image.inside.values import COUNT, MAX_BYTES, Malformed
from sandbox.job import Execution
from sandbox.pool.pool import Sandbox
from sandbox.verdict import Ending, Verdict

REQUEST_BYTES = 1 << 26


def outcome_of_call(sandbox: Sandbox, program: Program, test: CallTest, alone: bool) -> Outcome:
    """One process, one call; whatever comes of it is compared as data."""
    with contextlib.closing(candidate(sandbox, program, with_prelude(program.source), alone)) as session:
        request: tuple[object, ...] = ("function", test.function, test.arguments, {})
        encoder = Encoder(REQUEST_BYTES, number=True)
        session.send(encoder.encode(request))
        replies = [received(session, program.limits) for _ in range(2)]  # ready, and the value
        execution = session.close()
    failed = next((reply for reply in replies if isinstance(reply, Execution)), None)
    if failed is not None:
        return ended_early(failed)
    verdict, detail = _decided(replies[1], test, len(encoder.kept))
    return outcome_of(execution, verdict, detail) if execution.ending == Ending.OK else outcome_of(execution)


def _decided(reply: bytes | Execution, test: CallTest, containers: int) -> tuple[Verdict, str]:
    """The returned value against the expected one; `containers` went with the arguments and may have been changed."""
    assert isinstance(reply, bytes)
    kind = reply[:1]
    if kind == b"L":
        return Verdict.OLE, "the returned value is too large"
    if kind not in (b"V", b"E"):
        return Verdict.WA, "not an answer"
    try:
        content = reply[_after_changes(reply, containers) :]
        if len(content) > MAX_BYTES:
            return Verdict.OLE, "the returned value is too large"
        if kind == b"E":
            return Verdict.RE, _error_text(content)
        value = returned_value(content)
    except Malformed as error:
        return Verdict.WA, shortened(f"not a value: {error}")
    right = same_value(test.expected, value)
    return (Verdict.AC, "") if right else (Verdict.WA, "another value")


def _after_changes(reply: bytes, containers: int) -> int:
    """Where the value begins: after what the program did to its arguments."""
    at, changes = 1 + COUNT.size, _number(reply, 1)
    if changes > containers:
        raise Malformed("more changes than arguments")
    for _ in range(changes):
        at += 2 * COUNT.size + _number(reply, at + COUNT.size)
        if at > len(reply):
            raise Malformed("cut short")
    return at


def _number(reply: bytes, at: int) -> int:
    if at + COUNT.size > len(reply):
        raise Malformed("cut short")
    return int(COUNT.unpack_from(reply, at)[0])


def _error_text(content: bytes) -> str:
    """What the program's exception says; the program wrote it."""
    described = returned_value(content)
    text = described[2] if isinstance(described, list) and len(described) == 3 else ""
    return shortened(text.strip().splitlines()[-1]) if isinstance(text, str) and text.strip() else ""
