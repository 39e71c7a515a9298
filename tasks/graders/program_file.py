"""Grade a file of programs: `restem grade code FILE.jsonl`.

A row is `{"id", "program", "label"?}` with tests in APPS' form (`inputs`, `outputs`, `fn_name`?) or HumanEval's (`prompt`?, `test`,
`entry_point`?), and `cpu_seconds`?, `memory_mb`?. All tests of a program run, except after one that met a limit. A row that
cannot be graded says why and has no verdict.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sandbox.pool.pool import Sandbox, open_sandbox
from sandbox.settings import SandboxSettings
from sandbox.status import Status
from tasks.domain.settings import VerifySettings
from tasks.graders.place import sandbox_settings
from tasks.graders.rows import MOST_MEMORY_MB, Line, number_in, read_lines
from tasks.graders.table import side_by_side

if TYPE_CHECKING:  # imported while containers start
    from sandbox.grading.grading import Graded, Grading, Program
    from tasks.graders.program_rows import Row

SPARE_MEMORY_MB = 256  # of a container beyond the largest limit of a row
WANTED = "jsonl rows with program and tests"
TURN_SECONDS = 0.0005  # of a thread while a sandbox is opened beside it
STEP = 64  # programs between two words of progress
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class GradedRow:
    """One graded program. `reward` is 1 when all tests passed, None when nothing is known (INFRA, or `error`)."""

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
    expected: bool | None = None

    @property
    def failing(self) -> bool:
        """Return whether the verdict contradicts the label or, without a label, whether the program was not accepted."""
        return self.verdict != Status.AC if self.expected is None else self.expected != (self.verdict == Status.AC)


@dataclass(frozen=True)
class CodeReport:
    """All rows. `accuracy` is over those with a label, None without any; `missing` counts rows that an interruption left ungraded."""

    rows: list[GradedRow]
    counts: Mapping[str, int]
    programs_per_second: float
    accuracy: float | None = None
    missing: int = 0

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self), ensure_ascii=True, allow_nan=False)

    def to_text(self) -> str:
        """Return the failing programs, and the totals."""
        cells = [_cells(row) for row in self.rows if row.failing]
        lines = side_by_side(("id", "verdict", "labelled", "tests", "seconds", "because"), cells)
        counts = ", ".join(f"{verdict} {number}" for verdict, number in sorted(self.counts.items()))
        share = [] if self.accuracy is None else [f"accuracy  {self.accuracy:.4f}"]
        share += [f"not graded  {self.missing}"] if self.missing else []
        return "\n".join(
            [*lines, f"verdicts  {counts}", f"speed     {self.programs_per_second:.1f} programs/s", *share]
        )


def grade_file(
    path: str, settings: VerifySettings = VerifySettings(), encoding: str | None = None,  # noqa: B008 - frozen settings
    progress: Progress = lambda done, of: None,
) -> CodeReport:  # fmt: skip
    """Grade all rows. UserError for a file that is no JSON lines, or without a sandbox.

    An interruption (Ctrl-C) ends the grading; the report then holds what was graded.
    """
    lines = read_lines(path, WANTED, encoding)
    with _opening(_place(lines, settings)) as opening:
        from tasks.graders.program_rows import planned_until, row_of

        rows = [row_of(line, settings.code) for line in lines]
        planned_until(opening.done, rows)
        graded, seconds = _timed(opening.result(), [row.program for row in rows if row.program is not None], progress)
    results = iter(graded)
    kept = _first_rows(rows, len(graded))
    return _report(kept, [None if row.program is None else next(results) for row in kept], seconds, len(rows))


def _place(lines: Iterable[Line], settings: VerifySettings) -> SandboxSettings:
    """Return the sandbox's settings, with containers that the largest program fits in."""
    most, place = settings.code.memory_mb, sandbox_settings(settings.sandbox)
    for line in lines:
        with contextlib.suppress(ValueError, AttributeError):  # what is wrong with the row is said in its place
            most = max(most, int(number_in(line.value, "memory_mb", most, MOST_MEMORY_MB)))
    return place.model_copy(update={"container_memory_mb": max(most + SPARE_MEMORY_MB, place.container_memory_mb)})


@contextlib.contextmanager
def _opening(settings: SandboxSettings) -> Iterator[Future[Sandbox]]:
    """Open a sandbox while the caller does something else, and leave it in the end.

    Each answer of the engine would wait for the caller's turn to end, which is 5 ms long by default: together as long as a container takes to start.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    with ThreadPoolExecutor(1, "opening") as thread:
        opening = thread.submit(open_sandbox, settings)
        opening.add_done_callback(lambda _: sys.setswitchinterval(usual))
        try:
            yield opening
        finally:
            if opening.exception() is None:
                opening.result().leave()


def _first_rows(rows: Sequence[Row], programs: int) -> list[Row]:
    """Return the rows up to, but not including, the program after this many."""
    kept: list[Row] = []
    for row in rows:
        programs -= row.program is not None
        if programs < 0:
            break
        kept.append(row)
    return kept


def _done(grading: Grading, programs: Sequence[Program], progress: Progress) -> list[Graded]:
    """Return the verdicts, or only the first of them after an interruption."""
    done: list[Graded] = []
    try:
        for graded in grading.map(grading.grade, programs):
            done.append(graded)
            if len(done) % STEP == 0 or len(done) == len(programs):
                progress(len(done), len(programs))
    except KeyboardInterrupt:
        if not done:
            raise
    return done


def _timed(sandbox: Sandbox, programs: Sequence[Program], progress: Progress) -> tuple[list[Graded], float]:
    """The verdicts, and the seconds they took once containers were warm."""
    from sandbox.grading.grading import Grading
    from tasks.graders.program_rows import first_program

    grading = Grading(sandbox)
    try:
        grading.grade(first_program())
        started = time.monotonic()
        return _done(grading, programs, progress), time.monotonic() - started
    finally:
        grading.close()


def _report(rows: Sequence[Row], graded: Sequence[Graded | None], seconds: float, all_rows: int) -> CodeReport:
    found = [_graded_row(row, one) for row, one in zip(rows, graded, strict=True)]
    pairs = list(zip(rows, found, strict=True))
    labelled = [(row.expected, one.verdict == Status.AC) for row, one in pairs if row.expected is not None]
    return CodeReport(
        found,
        dict(Counter(one.verdict or "ERROR" for one in found)),
        round(sum(one is not None for one in graded) / max(seconds, 1e-9), 3),
        sum(expected == accepted for expected, accepted in labelled) / len(labelled) if labelled else None,
        all_rows - len(rows),
    )


def _graded_row(row: Row, graded: Graded | None) -> GradedRow:
    if graded is None:
        return GradedRow(row.id, None, None, error=row.error, expected=row.expected)
    known = graded.verdict != Status.INFRA
    return GradedRow(
        row.id, str(graded.verdict), float(graded.verdict == Status.AC) if known else None, graded.passed, graded.tests,
        round(graded.cpu_seconds, 4), round(graded.wall_seconds, 4), round(graded.memory_mb, 1), graded.failed,
        graded.detail, None, row.expected,
    )  # fmt: skip


def _cells(row: GradedRow) -> tuple[str, ...]:
    labelled = "-" if row.expected is None else "right" if row.expected else "wrong"
    where = f"test {row.failed_test}: {row.detail}" if row.failed_test is not None else row.detail
    tests, seconds = f"{row.tests_passed}/{row.tests}", f"{row.cpu_seconds:.2f}"
    return (row.id, row.verdict or "ERROR", labelled, tests, seconds, row.error or where)
