"""The outcome of one test, and a program's verdict from the outcomes of all tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.job import Execution
from sandbox.status import Ending, Status
from tasks.domain.visible import visible

LONGEST_DETAIL = 200
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one test or, for asserts, of one run of all of them. Seconds and MiB are the program's.

    `contended` says that the machine made the program wait, so that a timeout may not be its own fault; `container_ended` that
    its container ended, see `Execution`.
    """

    verdict: Status
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
    """A program's verdict. `failed` is the number of the first failing test; seconds are sums, `memory_mb` is the maximum."""

    verdict: Status
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
        """Return the share of tests that passed."""
        return self.passed / self.tests if self.tests else 0.0


def outcome_of(execution: Execution, verdict: Status | None = None, detail: str | None = None) -> Outcome:
    """Return an execution's cost, with the verdict that its ending gives unless another one is given."""
    return Outcome(
        verdict or Status(execution.ending), _ending_detail(execution) if detail is None else detail,
        execution.cpu_seconds, execution.wall_seconds, execution.memory_mb, execution.reruns,
        contended=execution.contended, container_ended=execution.container_ended,
    )  # fmt: skip


def _ending_detail(execution: Execution) -> str:
    """Return the last line of the program's output, else the signal or exit code; nothing that differs from run to run."""
    if execution.ending not in (Ending.RE, Ending.CE):
        return execution.detail if execution.ending in (Ending.INFRA, Ending.HOSTILE, Ending.SECURITY) else ""
    lines = execution.stderr_tail.strip().splitlines()
    if execution.signal:
        return f"signal {execution.signal}"
    return shortened(lines[-1]) if lines else f"exit code {execution.exit_code}"


def ended_early(execution: Execution) -> Outcome:
    """Return the outcome of a program that ended by itself before it had answered: a quiet exit is a wrong answer."""
    quiet = execution.ending == Ending.OK
    return outcome_of(execution, Status.WA, "the program ended before it answered") if quiet else outcome_of(execution)


def shortened(text: str) -> str:
    """Return at most LONGEST_DETAIL characters, without addresses, lone surrogates, and what a terminal would obey."""
    plain = visible(text.strip().encode("utf-8", "replace").decode())
    return _ADDRESS.sub("0x...", plain)[:LONGEST_DETAIL]


def summary(outcomes: Mapping[int, Outcome], total: int) -> Graded:
    """Return the verdict: the first failing test in the order of trial decides; the seconds are of all tests that ran."""
    failing = [number for number, outcome in outcomes.items() if outcome.verdict != Status.AC]
    passed = len(outcomes) - len(failing)
    first = failing[0] if failing else None
    if first is None and passed < total:
        raise AssertionError("tests without an outcome")
    verdict = Status.AC if first is None else outcomes[first].verdict
    for number in failing:
        if outcomes[number].verdict == Status.INFRA:
            first, verdict = number, Status.INFRA
    return Graded(
        verdict, total, passed, None if first is None else first + 1, "" if first is None else outcomes[first].detail,
        sum(outcome.cpu_seconds for outcome in outcomes.values()),
        sum(outcome.wall_seconds for outcome in outcomes.values()),
        max(outcome.memory_mb for outcome in outcomes.values()), sum(outcome.reruns for outcome in outcomes.values()),
    )  # fmt: skip
