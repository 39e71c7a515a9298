"""Runs tests that are code: the tests in a trusted container, the program in another one, with calls relayed between the two.

Expected values never reach the program. The asserts of one problem run in one process, the program in another.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from typing import Any

from sandbox.grading.answers import ProgramRaised, Raised, plain_value
from sandbox.grading.calls import answers_of, calls_job, error_text, turns_job
from sandbox.grading.outcome import Graded, Outcome, ended_early, outcome_of, shortened
from sandbox.grading.planning.plain_operations import Unplanned
from sandbox.grading.planning.plan import Plan, plan_of
from sandbox.grading.program import SPARE_SECONDS, Program, candidate, received, wants_numpy
from sandbox.grading.tests import AssertTests
from sandbox.image.inside.decoding import decode
from sandbox.image.inside.encoding import encode
from sandbox.image.inside.values import MAX_BYTES, Malformed, TooLarge, Unencodable, piece, pieces
from sandbox.job import Execution, Job
from sandbox.limits import Limits
from sandbox.pool.pool import Sandbox, Session
from sandbox.status import Ending, Status

TESTER_LIMITS = Limits(cpu_seconds=10.0, memory_mb=512)
TESTS_STRETCH = 8  # a program's longest wall time is longer by this factor where it also waits for its tests
TESTS_BYTES = 1 << 26
MOST_BORROWED = 5000  # uses of objects of the tests by the program: each costs us more than it
MANY_MESSAGES, MESSAGES_SECONDS, MESSAGES_PER_CPU_SECOND = 500, 30.0, 5.0  # more take no longer than so much wall time
FAILED = frozenset(Ending) - {Ending.OK}
ENDED = "AssertionError"  # what tests say that ran until an assert failed
UNFIT = frozenset({Ending.INFRA, Ending.HOSTILE, Ending.SECURITY})  # decide even where an assert failed before


@dataclass(frozen=True)
class Report:
    """What the tests report at their end. `failed` maps the number of an assert to (why, whether the program raised it)."""

    passed: int
    failed: dict[int, tuple[str, bool]]
    calls: int
    completed: bool
    raised: bool
    error: str

    @property
    def all_hold(self) -> bool:
        """Return whether at least one assert was reached, none failed, and the program was called at least once."""
        return self.completed and not self.failed and self.passed > 0 and self.calls > 0


def planned_outcome(sandbox: Sandbox, program: Program, tests: AssertTests) -> Outcome | None:
    """Make all calls of the tests in one job and decide the asserts here; None where the tests have to run."""
    plan = plan_of(tests)
    if plan is None or wants_numpy(program.source):
        return None
    try:
        job = turns_job(program, plan.requests) if plan.in_turn else calls_job(program, plan.requests, provided=False)
    except (Unencodable, TooLarge):
        return None
    execution = sandbox.submit(job).result()
    return _planned(plan, program, execution, answers_of(execution, len(plan.requests))[1:])


def _planned(plan: Plan, program: Program, execution: Execution, answers: list[bytes]) -> Outcome | None:
    """Decide the asserts of a plan; None where an answer is of a kind that only the tests themselves can compare."""
    try:
        values, too_large = _values(answers)
        report = _decided(plan, values, program.run_all)
    except (Unplanned, Malformed):
        return None
    if too_large and execution.ending == Ending.OK:
        execution = replace(execution, ending=Ending.OLE)
    return _judged(report, execution, len(values) < len(plan.requests))


def _values(answers: list[bytes]) -> tuple[list[Any], bool]:
    """Return the answers as values up to the first that is too large, and whether there is one."""
    values: list[Any] = []
    for answer in answers:
        kind, content = answer[:1], answer[1:]
        if kind == b"L" or len(content) > MAX_BYTES:
            return values, True
        if kind not in (b"V", b"E"):
            raise Unplanned
        values.append(plain_value(content) if kind == b"V" else Raised(error_text(content)))
    return values, False


def _decided(plan: Plan, values: list[Any], run_all: bool) -> Report:
    """Return what the tests would report."""
    passed, failed, completed = set[int](), dict[int, tuple[str, bool]](), False
    for step in plan.steps:
        if step.calls > len(values) or (failed and not run_all):
            break
        try:
            holds, why = bool(step.holds(values)), ("", False)
        except ProgramRaised as error:
            holds, why = False, (str(error), True)
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
            holds, why = False, (f"{type(error).__name__}: {error}", False)  # as the assert itself would fail
        if holds:
            passed.add(step.number)
        else:
            failed.setdefault(step.number, why)
    else:
        completed = True
    said = "" if plan.literal or run_all or not failed else ENDED  # as stored verdicts of such tests have it
    return Report(len(passed - failed.keys()), failed, len(values), completed, False, said)


class Strayed(Exception):
    """Raised where the tests ask for something else than was foreseen of them."""


def outcome_of_asserts(
    sandbox: Sandbox, program: Program, tests: AssertTests, alone: bool, astray: set[AssertTests]
) -> Outcome:
    """Run the tests in a trusted container and the program in another one. `astray`: tests that cannot be foreseen, which it notes."""
    program = _patient(program)
    try:
        return _run(sandbox, program, tests, alone, ahead=tests not in astray)
    except Strayed:
        astray.add(tests)
        return _run(sandbox, program, tests, alone, ahead=False)


def _run(sandbox: Sandbox, program: Program, tests: AssertTests, alone: bool, ahead: bool) -> Outcome:
    """Run the tests; with `ahead` what they will ask is asked together, as far as it can be foreseen. Raises Strayed."""
    with contextlib.closing(_tester(sandbox, program, tests, ahead)) as tester:
        first = received(
            tester, program.limits
        )  # what the tests ask first: until then the program's slot is another one's
        with contextlib.closing(candidate(sandbox, program, alone, tests.numpy)) as session:
            ready = received(session, program.limits)
            if isinstance(ready, Execution):
                return ended_early(ready)
            report, ended = _relayed(tester, first, session, program.limits)
            execution = ended or session.close()
    return _judged(report, execution, ended is not None)


def _tester(sandbox: Sandbox, program: Program, tests: AssertTests, ahead: bool) -> Session:
    request: dict[str, object] = {
        "prompt": tests.prompt, "code": tests.code_all if program.run_all else tests.code,
        "names": list(tests.names), "modules": list(tests.modules), "apart": list(tests.apart), "watch": tests.watch,
        "arrays": tests.numpy,
        "ahead": tests.code_ahead if ahead else "",
    }  # fmt: skip
    patience = program.limits.hard_wall_seconds + SPARE_SECONDS
    limits = replace(TESTER_LIMITS, wall_seconds=patience)
    return sandbox.session(Job(encode(request, TESTS_BYTES), "tester", limits=limits, numpy=tests.numpy, trusted=True))


def _patient(program: Program) -> Program:
    """Return the program with limits that leave time for its tests."""
    limits = program.limits
    return replace(program, limits=replace(limits, wall_stretch=TESTS_STRETCH * limits.wall_stretch))


def _relayed(
    tester: Session, message: bytes | Execution, program: Session, limits: Limits
) -> tuple[Report | None, Execution | None]:
    """Relay calls until the tests report, from their first `message` on; return also how the program ended, if it ended before that."""
    ended: Execution | None = None
    borrowed = messages = 0
    last = time.monotonic() + max(MESSAGES_SECONDS, MESSAGES_PER_CPU_SECOND * limits.cpu_seconds)
    while True:
        if isinstance(message, Execution):
            return _broken_tests(message), ended
        if message[:1] == b"!":
            return _report(message[1:]), ended
        if message[:1] == b"~":
            raise Strayed
        if message[:1] == b"*":
            answers, ended = _answers(program, list(pieces(message[1:])), limits)
            tester.send(b"".join(map(piece, answers)))
            message = received(tester, limits)
            continue
        reply: bytes | Execution = b""
        if ended is None:
            program.send(message[1:])
            reply = received(program, limits)
            messages, borrowed = messages + 1, borrowed + (reply[:1] == b"K" if isinstance(reply, bytes) else 0)
            if isinstance(reply, Execution):
                ended = reply
            elif borrowed > MOST_BORROWED or (messages > MANY_MESSAGES and time.monotonic() > last):
                reply = ended = replace(program.kill(), ending=Ending.TLE, contended=borrowed <= MOST_BORROWED)
            elif reply[:1] == b"L":
                ended = replace(program.close(), ending=Ending.OLE)
        tester.send(b"D" if ended is not None or isinstance(reply, Execution) else reply)
        message = received(tester, limits)


def _answers(program: Session, frames: list[bytes], limits: Limits) -> tuple[list[bytes], Execution | None]:
    """Return the answers to operations that were foreseen; fewer, and how the program ended, where it did."""
    program.send_in_turn(frames)
    answers: list[bytes] = []
    for _ in frames:
        reply = received(program, limits)
        if isinstance(reply, Execution):
            return answers, reply
        if reply[:1] == b"L":
            return answers, replace(program.close(), ending=Ending.OLE)
        answers.append(reply)
    return answers, None


def _report(data: bytes) -> Report:
    """Return the tester's own report, the only source of a pass."""
    found = decode(data)
    failed = {int(number): (str(why), bool(raised)) for number, (why, raised) in found["failed"].items()}
    return Report(
        len(found["passed"]), failed, found["calls"], found["completed"], found["raised"], shortened(found["error"])
    )


def _broken_tests(execution: Execution) -> Report | None:
    """Return the outcome of tests whose own process ended without a report; None where the sandbox is at fault."""
    if execution.ending == Ending.INFRA:
        return None
    return Report(0, {}, 0, False, False, f"the tests ended with {execution.ending}")


def _judged(report: Report | None, execution: Execution, early: bool) -> Outcome:
    """Judge by both processes: a pass needs the report and a program that has not failed."""
    if report is None:
        return Outcome(Status.INFRA, "the tests' container failed")
    if early and (not report.failed or execution.ending in UNFIT):
        return replace(ended_early(execution), passed=report.passed)
    if execution.ending in (UNFIT if report.failed else FAILED):
        return replace(outcome_of(execution), passed=report.passed)
    if report.all_hold:
        return replace(outcome_of(execution, Status.AC, ""), passed=report.passed)
    why, raised = report.failed[min(report.failed)] if report.failed else (report.error, report.raised)
    detail = shortened(why or report.error) or "an assert does not hold"
    return replace(outcome_of(execution, Status.RE if raised else Status.WA, detail), passed=report.passed)


def graded_asserts(outcome: Outcome, tests: AssertTests) -> Graded:
    """Return the one run of all asserts as a verdict; unless it is accepted, not all tests count as passed."""
    accepted = outcome.verdict == Status.AC
    passed = tests.total if accepted else min(outcome.passed, tests.total - 1)
    return Graded(
        outcome.verdict, tests.total, passed, None if accepted else passed + 1, outcome.detail, outcome.cpu_seconds,
        outcome.wall_seconds, outcome.memory_mb, outcome.reruns,
    )  # fmt: skip
