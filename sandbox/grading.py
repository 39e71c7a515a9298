"""What a program is worth: its tests run in the sandbox, the outcome decided here, outside of every container.

    standard input   one process a test; its output compared here
    calls            one process a test; the value that the function returned comes out as data and is compared here
    asserts          the tests run in a trusted container, the program in another one, and this module carries the calls
                     between them: what the tests expect never goes the program's way

A program is accepted when every test passed, and only then: no tests, a missing report or an ending that is not understood are
never a pass. The first failing test decides the verdict (tests are tried in a fixed order, the most telling first, and numbered
from 1 as they were given).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from sandbox.compare import same_output, same_value
from sandbox.image.inside.values import COUNT, MAX_BYTES, Encoder, decode
from sandbox.job import DEFAULT_LIMITS, Execution, Job
from sandbox.limits import Limits
from sandbox.pool import Sandbox, Session
from sandbox.prelude import with_prelude
from sandbox.tests import AssertTests, CallTest, Case, StdinTest, Tests, count
from sandbox.values import Malformed, encode, returned_value
from sandbox.verdict import Ending, Verdict

THREADS_PER_SLOT = 5  # one program runs, a few wait in its container
ATTEMPTS = 3  # of one test in a session, when the sandbox fails under it
TESTER_LIMITS = Limits(cpu_seconds=10.0, memory_mb=512)
TESTS_STRETCH = 8  # a program's longest wall time is longer by this factor where it also waits for its tests
SPARE_SECONDS = 60.0  # beyond every limit: after it the sandbox is at fault, not the program
LONGEST_DETAIL = 200
T = TypeVar("T")
R = TypeVar("R")
FAILED = frozenset(Ending) - {Ending.OK}
UNFIT = frozenset({Ending.INFRA, Ending.HOSTILE, Ending.SECURITY})  # decide even where an assert failed before
LIMIT_VERDICTS = frozenset({Verdict.TLE, Verdict.IDLE, Verdict.MLE, Verdict.OLE})
_NUMPY = re.compile(rb"^\s*(?:import|from)\s+(?:numpy|scipy|pandas)\b", re.MULTILINE)
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class Program:
    """A source and the tests that it must pass. `run_all`: also the tests after one that failed, for a graded reward."""

    source: bytes
    tests: Tests
    limits: Limits = DEFAULT_LIMITS
    run_all: bool = False


@dataclass(frozen=True)
class Outcome:
    """One test, or with asserts one run of all of them. Seconds and MiB are the program's.

    `contended`: the machine made the program wait, so that a timeout may not be its own fault. `container_ended`: its
    container went away under it, see `Execution`.
    """

    verdict: Verdict
    detail: str = ""
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    memory_mb: float = 0.0
    reruns: int = 0
    passed: int = 0
    contended: bool = False
    container_ended: bool = False


@dataclass(frozen=True)
class Graded:
    """A program's verdict. `failed`: number of the first failing test; seconds are sums, `memory_mb` the largest."""

    verdict: Verdict
    tests: int
    passed: int
    failed: int | None = None
    detail: str = ""
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    memory_mb: float = 0.0
    reruns: int = 0

    @property
    def share(self) -> float:
        """Of the tests passed."""
        return self.passed / self.tests if self.tests else 0.0


class Grading:
    """Grades programs on one sandbox, as many at once as it has slots. Usable from several threads."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._threads = ThreadPoolExecutor(THREADS_PER_SLOT * sandbox.slots, thread_name_prefix="grading")

    def grade_many(self, programs: Sequence[Program]) -> list[Graded]:
        """One verdict per program, in order; never raises for what a program does."""
        return list(self.map(self.grade, programs))

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """`function` of each item, in order, on the threads that keep all slots busy; not from within one of them."""
        return self._threads.map(function, items)

    def grade(self, program: Program) -> Graded:
        """One program, in the calling thread."""
        if count(program.tests) == 0:
            return Graded(Verdict.WA, 0, 0, detail="there are no tests")
        if isinstance(program.tests, AssertTests):
            return _graded_asserts(self._retried(lambda alone: self._asserts(program, alone)), program.tests)
        return self._cases(program, program.tests)

    def close(self) -> None:
        """Let what runs end."""
        self._threads.shutdown()

    def _cases(self, program: Program, tests: tuple[Case, ...]) -> Graded:
        outcomes: dict[int, Outcome] = {}
        for number in telling_order(tests):
            outcome = outcomes[number] = self._case(program, tests[number])
            if outcome.verdict != Verdict.AC and (not program.run_all or outcome.verdict in LIMIT_VERDICTS):
                break
            if outcome.verdict == Verdict.INFRA:
                break
        return _summary(outcomes, len(tests))

    def _case(self, program: Program, test: Case) -> Outcome:
        if isinstance(test, StdinTest):
            return self._stdin(program, test)
        return self._retried(lambda alone: self._call(program, test, alone))

    def _stdin(self, program: Program, test: StdinTest) -> Outcome:
        job = Job(program.source, "stdin", test.stdin, program.limits, numpy=wants_numpy(program.source))
        execution = self.sandbox.submit(job).result()
        if execution.ending != Ending.OK:
            return outcome_of(execution)
        right = same_output(test.expected, execution.stdout)
        return outcome_of(execution, Verdict.AC if right else Verdict.WA, "" if right else "another output")

    def _retried(self, run: Callable[[bool], Outcome]) -> Outcome:
        """A session cannot be repeated by the sandbox, so it is repeated here: a lost container up to twice, and once more
        alone a timeout of a program that the machine made wait. What ends container after container is to blame itself.
        """
        outcome, runs = run(False), 1
        containers_ended = outcome.container_ended
        while outcome.verdict == Verdict.INFRA and runs < ATTEMPTS:
            outcome, runs = run(False), runs + 1
            containers_ended = containers_ended and outcome.container_ended
        if containers_ended and runs == ATTEMPTS:
            return replace(outcome, verdict=Verdict.HOSTILE, detail=f"ended {runs} containers", reruns=runs - 1)
        if outcome.verdict == Verdict.TLE and outcome.contended:
            outcome, runs = run(True), runs + 1
        return replace(outcome, reruns=runs - 1)

    def _call(self, program: Program, test: CallTest, alone: bool) -> Outcome:
        """One process, one call; whatever comes of it is compared as data."""
        with contextlib.closing(self._candidate(program, with_prelude(program.source), alone)) as candidate:
            request: tuple[object, ...] = ("function", test.function, test.arguments, {})
            encoder = Encoder(1 << 26, number=True)
            candidate.send(encoder.encode(request))
            replies = [_received(candidate, program.limits) for _ in range(2)]  # ready, and the value
            execution = candidate.close()
        failed = next((reply for reply in replies if isinstance(reply, Execution)), None)
        if failed is not None:
            return _ended_early(failed)
        verdict, detail = _decided(replies[1], test, len(encoder.kept))
        return outcome_of(execution, verdict, detail) if execution.ending == Ending.OK else outcome_of(execution)

    def _candidate(self, program: Program, source: bytes, alone: bool) -> Session:
        numpy = wants_numpy(program.source)
        return self.sandbox.session(Job(source, "call", b"", program.limits, numpy, alone=alone))

    def _asserts(self, program: Program, alone: bool) -> Outcome:
        """The tests in a trusted container, the program in another one."""
        assert isinstance(program.tests, AssertTests)
        program = _patient(program)
        with (
            contextlib.closing(self._tester(program)) as tester,
            contextlib.closing(self._candidate(program, program.source, alone)) as candidate,
        ):
            ready = _received(candidate, program.limits)
            if isinstance(ready, Execution):
                return _ended_early(ready)
            report, ended = _relayed(tester, candidate, program.limits)
            execution = ended or candidate.close()
        return _judged(report, execution, ended is not None)

    def _tester(self, program: Program) -> Session:
        tests = program.tests
        assert isinstance(tests, AssertTests)
        request: dict[str, object] = {
            "prompt": tests.prompt, "code": tests.code_all if program.run_all else tests.code,
            "names": list(tests.names), "modules": list(tests.modules),
        }  # fmt: skip
        patience = program.limits.hard_wall_seconds + SPARE_SECONDS
        limits = replace(TESTER_LIMITS, wall_seconds=patience)
        return self.sandbox.session(Job(encode(request, 1 << 26), "tester", b"", limits, trusted=True))


@dataclass(frozen=True)
class Report:
    """What the tests say at their end. `failed`: number of an assert -> (why, whether the program raised it)."""

    passed: int
    failed: dict[int, tuple[str, bool]]
    calls: int
    completed: bool
    raised: bool
    error: str

    @property
    def all_hold(self) -> bool:
        """At least one assert was reached, none failed, and the program was asked at least once."""
        return self.completed and not self.failed and self.passed > 0 and self.calls > 0


def telling_order(tests: Sequence[Case]) -> list[int]:
    """Places of the tests, those with the longest expected output first: it is the hardest to hit by chance."""
    return sorted(range(len(tests)), key=lambda place: (-_length(tests[place]), place))


def _length(test: Case) -> int:
    return min(len(test.expected if isinstance(test, StdinTest) else repr(test.expected)), 1000)


def _patient(program: Program) -> Program:
    """The program under limits that leave its tests time of their own."""
    limits = program.limits
    return replace(program, limits=replace(limits, wall_stretch=TESTS_STRETCH * limits.wall_stretch))


def wants_numpy(source: bytes) -> bool:
    """Whether the program needs the slower interpreter that holds numpy."""
    return bool(_NUMPY.search(source))


def outcome_of(execution: Execution, verdict: Verdict | None = None, detail: str | None = None) -> Outcome:
    """An execution's cost, with the verdict that its ending gives unless there is another."""
    return Outcome(
        verdict or Verdict(execution.ending), _ending_detail(execution) if detail is None else detail,
        execution.cpu_seconds, execution.wall_seconds, execution.memory_mb, execution.reruns,
        contended=execution.contended, container_ended=execution.container_ended,
    )  # fmt: skip


def _ending_detail(execution: Execution) -> str:
    """The last line of what the program said, else the signal or exit code; nothing that differs from run to run."""
    if execution.ending not in (Ending.RE, Ending.CE):
        return execution.detail if execution.ending in (Ending.INFRA, Ending.HOSTILE, Ending.SECURITY) else ""
    lines = execution.stderr_tail.strip().splitlines()
    if execution.signal:
        return f"signal {execution.signal}"
    return shortened(lines[-1]) if lines else f"exit code {execution.exit_code}"


def shortened(text: str) -> str:
    """At most LONGEST_DETAIL characters, without addresses and lone surrogates."""
    plain = text.strip().encode("utf-8", "replace").decode()
    return _ADDRESS.sub("0x...", plain)[:LONGEST_DETAIL]


def _ended_early(execution: Execution) -> Outcome:
    """A program that ended by itself before it had answered: leaving quietly is a wrong answer."""
    quiet = execution.ending == Ending.OK
    return outcome_of(execution, Verdict.WA, "the program ended before it answered") if quiet else outcome_of(execution)


def _received(session: Session, limits: Limits) -> bytes | Execution:
    """The next frame or the end; the sandbox ends every child in time, so silence beyond that is its own fault."""
    try:
        return session.receive(limits.hard_wall_seconds + SPARE_SECONDS)
    except TimeoutError:
        return Execution(Ending.INFRA, detail="neither an answer nor an end")


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


def _relayed(tester: Session, candidate: Session, limits: Limits) -> tuple[Report | None, Execution | None]:
    """Carry calls until the tests report; also how the program ended, if it did before that."""
    ended: Execution | None = None
    while True:
        message = _received(tester, limits)
        if isinstance(message, Execution):
            return _broken_tests(message), ended
        if message[:1] == b"!":
            return _report(message[1:]), ended
        reply: bytes | Execution = b""
        if ended is None:
            candidate.send(message[1:])
            reply = _received(candidate, limits)
            if isinstance(reply, Execution):
                ended = reply
            elif reply[:1] == b"L":
                ended = replace(candidate.close(), ending=Ending.OLE)
        tester.send(b"D" if ended is not None or isinstance(reply, Execution) else reply)


def _report(data: bytes) -> Report:
    """The tester's own words: the only place from which a pass can come."""
    found = decode(data)
    failed = {int(number): (str(why), bool(raised)) for number, (why, raised) in found["failed"].items()}
    return Report(
        len(found["passed"]), failed, found["calls"], found["completed"], found["raised"], shortened(found["error"])
    )


def _broken_tests(execution: Execution) -> Report | None:
    """The tests' own process ended without a report. None: the sandbox is at fault."""
    if execution.ending == Ending.INFRA:
        return None
    return Report(0, {}, 0, False, False, f"the tests ended with {execution.ending}")


def _judged(report: Report | None, execution: Execution, early: bool) -> Outcome:
    """Both processes' word. A pass needs the report and a program that is still whole."""
    if report is None:
        return Outcome(Verdict.INFRA, "the tests' container failed")
    if early and (not report.failed or execution.ending in UNFIT):
        return replace(_ended_early(execution), passed=report.passed)
    if execution.ending in (UNFIT if report.failed else FAILED):
        return replace(outcome_of(execution), passed=report.passed)
    if report.all_hold:
        return replace(outcome_of(execution, Verdict.AC, ""), passed=report.passed)
    why, raised = report.failed[min(report.failed)] if report.failed else (report.error, report.raised)
    detail = shortened(why or report.error) or "an assert does not hold"
    return replace(outcome_of(execution, Verdict.RE if raised else Verdict.WA, detail), passed=report.passed)


def _graded_asserts(outcome: Outcome, tests: AssertTests) -> Graded:
    accepted = outcome.verdict == Verdict.AC
    passed = tests.total if accepted else min(outcome.passed, tests.total - 1)
    return Graded(
        outcome.verdict, tests.total, passed, None if accepted else passed + 1, outcome.detail, outcome.cpu_seconds,
        outcome.wall_seconds, outcome.memory_mb, outcome.reruns,
    )  # fmt: skip


def _summary(outcomes: Mapping[int, Outcome], total: int) -> Graded:
    """The first failing test in the order of trial decides; the seconds are of all that ran."""
    failing = [number for number, outcome in outcomes.items() if outcome.verdict != Verdict.AC]
    passed = len(outcomes) - len(failing)
    first = failing[0] if failing else None
    if first is None and passed < total:
        raise AssertionError("tests without an outcome")
    verdict = Verdict.AC if first is None else outcomes[first].verdict
    for number in failing:
        if outcomes[number].verdict == Verdict.INFRA:
            first, verdict = number, Verdict.INFRA
    return Graded(
        verdict, total, passed, None if first is None else first + 1, "" if first is None else outcomes[first].detail,
        sum(outcome.cpu_seconds for outcome in outcomes.values()),
        sum(outcome.wall_seconds for outcome in outcomes.values()),
        max(outcome.memory_mb for outcome in outcomes.values()), sum(outcome.reruns for outcome in outcomes.values()),
    )  # fmt: skip
