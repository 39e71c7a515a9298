"""Grade a file of programs: `restem grade code FILE.jsonl`.

A row is `{"id", "program", "label"?}` with tests in APPS' form (`inputs`, `outputs`, `fn_name`?) or HumanEval's (`prompt`?, `test`,
`entry_point`?), and `cpu_seconds`?, `memory_mb`?. All tests of a program run, except after one that met a limit. A row that
cannot be graded says why and has no verdict.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.grading.grading import Graded, Grading, Program
from sandbox.grading.tests import BadTests, assert_tests, tests_of
from sandbox.limits import Limits
from sandbox.pool.pool import Sandbox, open_sandbox
from sandbox.verdict import Verdict
from tasks.domain.errors import UserError
from tasks.domain.rewards.programs import assembled
from tasks.domain.settings import CodeSettings, SandboxPlace
from tasks.graders.programs import sandbox_settings

SPARE_MEMORY_MB = 256  # of a container beyond the largest limit of a row
MOST_MEMORY_MB, MOST_CPU_SECONDS = 65_536, 3600.0
_TRUE = (1, True, "1", "true", "correct")
_FALSE = (0, False, "0", "false", "wrong", "incorrect")


@dataclass(frozen=True)
class GradedRow:
    """One program. `reward` is 1 when all tests passed, None when nothing is known (INFRA, or `error`)."""

    id: str
    verdict: str | None
    reward: float | None
    tests_passed: int = 0
    tests: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    memory_mb: float = 0.0
    failed_test: int | None = None
    detail: str = ""
    error: str | None = None


@dataclass(frozen=True)
class CodeReport:
    """All rows; `accuracy` is over those with a label, None without any."""

    rows: list[GradedRow]
    counts: Mapping[str, int]
    programs_per_second: float
    accuracy: float | None = None

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self), ensure_ascii=True, allow_nan=False)

    def to_text(self) -> str:
        """A line a program, and what they add up to."""
        lines = [_line(row) for row in self.rows]
        counts = ", ".join(f"{verdict} {number}" for verdict, number in sorted(self.counts.items()))
        share = [] if self.accuracy is None else [f"accuracy  {self.accuracy:.4f}"]
        return "\n".join(
            [*lines, f"verdicts  {counts}", f"speed     {self.programs_per_second:.1f} programs/s", *share]
        )


@dataclass(frozen=True)
class _Row:
    """A line that was read: a program, or why there is none."""

    id: str
    program: Program | None
    error: str | None = None
    expected: bool | None = None


def grade_file(path: str, place: SandboxPlace = SandboxPlace()) -> CodeReport:  # noqa: B008 - frozen settings
    """Grade all rows at once. UserError for a file that is no JSON lines, or without a sandbox."""
    rows = read_rows(path)
    programs = [row.program for row in rows if row.program is not None]
    most = max((program.limits.memory_mb for program in programs), default=0) + SPARE_MEMORY_MB
    settings = sandbox_settings(place)
    settings = settings.model_copy(update={"container_memory_mb": max(most, settings.container_memory_mb)})
    with open_sandbox(settings) as sandbox:
        graded, seconds = _timed(sandbox, programs)
    results = iter(graded)
    return _report(rows, [None if row.program is None else next(results) for row in rows], seconds)


def _timed(sandbox: Sandbox, programs: Sequence[Program]) -> tuple[list[Graded], float]:
    """The verdicts, and the seconds they took once containers were warm."""
    grading = Grading(sandbox)
    try:
        grading.grade(Program(b"def f(): return 1", assert_tests("", "assert f() == 1", "f")))
        started = time.monotonic()
        return grading.grade_many(programs), time.monotonic() - started
    finally:
        grading.close()


def read_rows(path: str) -> list[_Row]:
    """UserError for a file that is not there, not UTF-8 or not JSON lines; what a row lacks is told in its place."""
    file = Path(path)
    if not file.is_file():
        raise UserError(f"there is no file {path}; expected jsonl rows with program and tests")
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text (byte {error.start}); expected jsonl rows") from error
    rows = [_row(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise UserError(f"{path} has no rows; expected jsonl rows with program and tests")
    return rows


def _row(line: str, number: int, path: str) -> _Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} line {number} is not JSON ({error}); expected one object a line") from error
    if not isinstance(row, dict):
        return _Row(str(number), None, f"line {number} is a JSON {type(row).__name__}, expected an object")
    name = str(number if row.get("id") is None else row["id"])
    try:
        return _Row(name, program_of(row), expected=_label(row.get("label")))
    except (BadTests, ValueError) as error:
        return _Row(name, None, f"line {number}: {error}")


def program_of(row: Mapping[str, Any]) -> Program:
    """A row's program under its limits. Raises BadTests or ValueError with what was found and expected."""
    source = row.get("program")
    if not isinstance(source, str):
        raise ValueError(f"program is a {type(source).__name__}, expected a text")
    tests = tests_of({key: value for key, value in row.items() if key != "program"})
    usual = CodeSettings()
    limits = Limits(
        cpu_seconds=_number(row, "cpu_seconds", usual.cpu_seconds, MOST_CPU_SECONDS),
        memory_mb=int(_number(row, "memory_mb", usual.memory_mb, MOST_MEMORY_MB)),
        output_bytes=usual.output_kb << 10,
    )
    return Program(assembled(source, row).encode("utf-8", "surrogatepass"), tests, limits, run_all=True)


def _number(row: Mapping[str, Any], name: str, usual: float, most: float) -> float:
    value = row.get(name)
    if value is None:
        return usual
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (math.isfinite(value) and 0 < value <= most)
    ):
        raise ValueError(f"{name} is {value!r}, expected a number above 0 and at most {most:g}")
    return float(value)


def _label(value: Any) -> bool | None:
    if value is None:
        return None
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise ValueError(f"label is {value!r}, expected 1 or 0 (or correct, wrong)")


def _report(rows: Sequence[_Row], graded: Sequence[Graded | None], seconds: float) -> CodeReport:
    found = [_graded_row(row, one) for row, one in zip(rows, graded, strict=True)]
    pairs = list(zip(rows, found, strict=True))
    labelled = [(row.expected, one.verdict == Verdict.AC) for row, one in pairs if row.expected is not None]
    return CodeReport(
        found,
        dict(Counter(one.verdict or "ERROR" for one in found)),
        round(sum(one is not None for one in graded) / max(seconds, 1e-9), 3),
        sum(expected == accepted for expected, accepted in labelled) / len(labelled) if labelled else None,
    )


def _graded_row(row: _Row, graded: Graded | None) -> GradedRow:
    if graded is None:
        return GradedRow(row.id, None, None, error=row.error)
    known = graded.verdict != Verdict.INFRA
    return GradedRow(
        row.id, str(graded.verdict), float(graded.verdict == Verdict.AC) if known else None, graded.passed, graded.tests,
        round(graded.cpu_seconds, 4), round(graded.wall_seconds, 4), round(graded.memory_mb, 1), graded.failed,
        graded.detail,
    )  # fmt: skip


def _line(row: GradedRow) -> str:
    if row.error is not None:
        return f"{row.id}  not graded: {row.error}"
    where = f"  test {row.failed_test}: {row.detail}" if row.failed_test is not None else ""
    return f"{row.id}  {row.verdict}  {row.tests_passed}/{row.tests} tests  {row.cpu_seconds:.2f} s{where}"
