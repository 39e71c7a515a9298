"""Grades a program: its tests run in the sandbox, and the outcome is decided here, outside of every container.

    standard input   one process a test; its output compared here
    calls            one process a test; the value that the function returned comes out as data and is compared
                     here (`calls`)
    asserts          the tests run in a trusted container, the program in another one, and calls are carried between
                     them: what the tests expect never goes the program's way (`asserts`)

A program is accepted when every test passed, and only then: no tests, a missing report or an ending that is not understood are
never a pass. The first failing test decides the verdict (tests are tried in a fixed order, the most telling first, and numbered
from 1 as they were given).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from sandbox.grading.asserts import graded_asserts, outcome_of_asserts, planned_outcome
from sandbox.grading.calls import outcome_of_call
from sandbox.grading.compare import same_output
from sandbox.grading.outcome import Graded, Outcome, outcome_of, summary
from sandbox.grading.program import Program, wants_numpy
from sandbox.grading.tests import AssertTests, Case, StdinTest, count
from sandbox.job import Job
from sandbox.pool.pool import Sandbox
from sandbox.status import Ending, Status

__all__ = ["Graded", "Grading", "Program", "telling_order"]

THREADS_PER_SLOT = 10  # one program runs, a few wait in its container, others are read and decided here
ATTEMPTS = 3  # of one test in a session, when the sandbox fails under it
LIMIT_VERDICTS = frozenset({Status.TLE, Status.IDLE, Status.MLE, Status.OLE})
T = TypeVar("T")
R = TypeVar("R")


class Grading:
    """Grades programs on one sandbox, as many at once as it has slots. Usable from several threads."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._astray: set[AssertTests] = set()
        self._threads = ThreadPoolExecutor(THREADS_PER_SLOT * sandbox.slots, thread_name_prefix="grading")

    def grade_many(self, programs: Sequence[Program]) -> list[Graded]:
        """Return one verdict per program, in order; never raise for what a program does."""
        return list(self.map(self.grade, programs))

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """`function` of each item, in order, on the threads that keep all slots busy; not from within one of them."""
        return self._threads.map(function, items)

    def grade(self, program: Program) -> Graded:
        """Grade one program, in the calling thread."""
        if count(program.tests) == 0:
            return Graded(Status.WA, 0, 0, detail="there are no tests")
        if isinstance(program.tests, AssertTests):
            tests = program.tests
            planned = planned_outcome(self.sandbox, program, tests)
            outcome = planned or repeated(
                lambda alone: outcome_of_asserts(self.sandbox, program, tests, alone, self._astray)
            )
            return graded_asserts(outcome, tests)
        return self._cases(program, program.tests)

    def close(self) -> None:
        """Wait for running programs to end."""
        self._threads.shutdown()

    def _cases(self, program: Program, tests: tuple[Case, ...]) -> Graded:
        outcomes: dict[int, Outcome] = {}
        for number in telling_order(tests):
            outcome = outcomes[number] = self._case(program, tests[number])
            if outcome.verdict != Status.AC and (not program.run_all or outcome.verdict in LIMIT_VERDICTS):
                break
            if outcome.verdict == Status.INFRA:
                break
        return summary(outcomes, len(tests))

    def _case(self, program: Program, test: Case) -> Outcome:
        if isinstance(test, StdinTest):
            return self._stdin(program, test)
        return outcome_of_call(self.sandbox, program, test)

    def _stdin(self, program: Program, test: StdinTest) -> Outcome:
        job = Job(program.source, "stdin", test.stdin, limits=program.limits, numpy=wants_numpy(program.source))
        execution = self.sandbox.submit(job).result()
        if execution.ending != Ending.OK:
            return outcome_of(execution)
        right = same_output(test.expected, execution.stdout)
        return outcome_of(execution, Status.AC if right else Status.WA, "" if right else "another output")


def repeated(run: Callable[[bool], Outcome]) -> Outcome:
    """A session cannot be repeated by the sandbox, so it is repeated here: a lost container up to twice, and once more alone
    a timeout of a program that the machine made wait. What ends container after container is to blame itself.
    """
    outcome, runs = run(False), 1
    containers_ended = outcome.container_ended
    while outcome.verdict == Status.INFRA and runs < ATTEMPTS:
        outcome, runs = run(False), runs + 1
        containers_ended = containers_ended and outcome.container_ended
    if containers_ended and runs == ATTEMPTS:
        return replace(outcome, verdict=Status.HOSTILE, detail=f"ended {runs} containers", reruns=runs - 1)
    if outcome.verdict == Status.TLE and outcome.contended:
        outcome, runs = run(True), runs + 1
    return replace(outcome, reruns=runs - 1)


def telling_order(tests: Sequence[Case]) -> list[int]:
    """Return the positions of the tests, longest expected output first, because it is the hardest to hit by chance."""
    return sorted(range(len(tests)), key=lambda place: (-_length(tests[place]), place))


def _length(test: Case) -> int:
    return min(len(test.expected) if isinstance(test, StdinTest) else _extent(test.expected), 1000)


def _extent(value: object) -> int:
    """Return about the length of the value's written form."""
    if isinstance(value, list | dict):
        items = [*value, *value.values()] if isinstance(value, dict) else value
        return 2 + sum(2 + _extent(item) for item in items[:500])
    return value.bit_length() // 3 + 1 if isinstance(value, int) else len(repr(value))
