"""The executor of code rewards: it makes programs of checks, runs them in the sandbox and returns decisions."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.grading.grading import Graded, Grading, Program
from sandbox.grading.tests import BadTests, Tests, read_tests, tests_of
from sandbox.limits import Limits
from sandbox.pool.pool import open_sandbox
from sandbox.status import Status
from tasks.domain import digits
from tasks.domain.rewards.base import Check, Decision
from tasks.domain.schema import Label
from tasks.domain.settings import CodeSettings, VerifySettings
from tasks.graders.place import sandbox_settings

LABELS: dict[Status, Label] = {
    Status.AC: "correct", Status.TLE: "timeout", Status.IDLE: "timeout", Status.INFRA: "verifier_error",
}  # fmt: skip


class ProgramExecutor:
    """Decides checks of `CodeReward`. The sandbox starts with the first one, and again after a fork; thread-safe."""

    def __init__(self, settings: VerifySettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._grading: Grading | None = None

    def run_many(self, checks: Sequence[Check]) -> list[Decision]:
        """Return one decision per check, in order. UserError when no sandbox can be had."""
        grading = self.open()
        return list(grading.map(lambda check: check.decided or self._decide(grading, check.payload), checks))

    def open(self) -> Grading:
        """Return the running sandbox. UserError: no engine, no image, or a successful escape."""
        with self._lock:
            if self._grading is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._grading = Grading(open_sandbox(sandbox_settings(self.settings.sandbox)))
            return self._grading

    def close(self) -> None:
        """End the containers."""
        with self._lock:
            if self._grading is not None and self._pid == os.getpid():
                self._grading.close()
                self._grading.sandbox.close()
            self._grading = None

    def _decide(self, grading: Grading, payload: Mapping[str, Any]) -> Decision:
        try:
            tests, hidden = _tests_of(payload["tests"])
        except BadTests as error:
            return Decision("wrong", {"rule": "bad_tests", "detail": str(error)})
        for source in [payload["source"], *payload.get("others", [])]:
            program = program_of(source, tests, self.settings.code)
            graded = grading.grade(program)
            if graded.verdict in (Status.AC, Status.INFRA):
                break
        also = grading.grade(program_of(source, hidden, self.settings.code)) if hidden and _passed(graded) else None
        return decision_of(graded, also, graded_reward=self.settings.code.graded, prose=bool(payload.get("prose")))


def _passed(graded: Graded) -> bool:
    return graded.verdict == Status.AC


def _tests_of(text: str) -> tuple[Tests, Tests | None]:
    """Return the tests that count, and those held back. Raises BadTests."""
    tests = read_tests(text)
    hidden = digits.loads(text).get("hidden")
    return tests, None if hidden is None else tests_of(hidden)


def program_of(source: str, tests: Tests, code: CodeSettings) -> Program:
    """Return a source text as a program under the configured limits; lone surrogates are kept for the sandbox to refuse."""
    limits = Limits(cpu_seconds=code.cpu_seconds, memory_mb=code.memory_mb, output_bytes=code.output_kb << 10)
    return Program(source.encode("utf-8", "surrogatepass"), tests, limits, run_all=code.graded)


def decision_of(
    graded: Graded, hidden: Graded | None = None, *, graded_reward: bool = False, prose: bool = False
) -> Decision:
    """Return the label, and as evidence the verdict and the first failing test, without anything that differs from run to run.

    `prose` says that the program is a whole completion without a marked program, so a compile error means that there was none.
    """
    label = LABELS.get(graded.verdict, "wrong")
    if prose and graded.verdict == Status.CE:
        label = "unparseable"
    evidence: dict[str, Any] = {
        "rule": "tests",
        "verdict": str(graded.verdict),
        "tests": graded.tests,
        "passed": graded.passed,
    }
    if graded.failed is not None:
        evidence |= {"failed": graded.failed, "detail": graded.detail}
    if hidden is not None and hidden.verdict != Status.INFRA:
        evidence["hidden"] = "passed" if _passed(hidden) else "failed"
    reward = graded.share if graded_reward and label not in ("verifier_error", "correct") else None
    return Decision(label, evidence, reward, graded.wall_seconds)
