"""Rows of a file of programs, as programs with their tests (`program_file` says what a row is)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.grading.planning.plan import plan_of
from sandbox.grading.program import Program
from sandbox.grading.tests import AssertTests, BadTests, assert_tests, tests_of
from sandbox.limits import Limits
from tasks.domain.errors import UserError
from tasks.domain.rewards.programs import assembled
from tasks.domain.settings import CodeSettings
from tasks.graders.rows import MOST_CPU_SECONDS, MOST_MEMORY_MB, Line, expected_label, number_in, refuse_other_names

KEYS = frozenset({
    "id", "program", "label", "prompt", "test", "entry_point", "inputs", "outputs", "fn_name", "cpu_seconds", "memory_mb",
})  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A line that was read: a program, or the reason why there is none."""

    id: str
    program: Program | None
    error: str | None = None
    expected: bool | None = None


def row_of(line: Line, usual: CodeSettings = CodeSettings()) -> Row:  # noqa: B008 - frozen settings
    """Return what a line asks for; faults of a row are kept in its place."""
    row, where = line.value, f"line {line.number}"
    if not isinstance(row, dict):
        return Row(str(line.number), None, f"{where} is a JSON {type(row).__name__}, expected an object")
    name = str(line.number if row.get("id") is None else row["id"])
    try:
        refuse_other_names(row, KEYS, where)
        return Row(name, program_of(row, usual), expected=expected_label(row.get("label"), where))
    except UserError as error:
        return Row(name, None, str(error))
    except (BadTests, ValueError) as error:
        return Row(name, None, f"{where}: {error}")


def program_of(row: Mapping[str, Any], usual: CodeSettings = CodeSettings()) -> Program:  # noqa: B008 - frozen settings
    """A row's program under its limits. Raises BadTests or ValueError with what was found and expected."""
    source = row.get("program")
    if not isinstance(source, str):
        raise ValueError(f"program is a {type(source).__name__}, expected a text")
    tests = tests_of({key: value for key, value in row.items() if key != "program"})
    limits = Limits(
        cpu_seconds=number_in(row, "cpu_seconds", usual.cpu_seconds, MOST_CPU_SECONDS),
        memory_mb=int(number_in(row, "memory_mb", usual.memory_mb, MOST_MEMORY_MB)),
        output_bytes=usual.output_kb << 10,
    )
    return Program(assembled(source, row).encode("utf-8", "surrogatepass"), tests, limits, run_all=True)


def first_program() -> Program:
    """Return a program whose verdict says that containers are up."""
    return Program(b"def f(): return 1", assert_tests("", "assert f() == 1", "f"))


def planned_until(ready: Callable[[], bool], rows: Sequence[Row]) -> None:
    """Plan the tests of rows, which grading them would do, until something else is `ready`."""
    for row in rows:
        if ready():
            return
        if row.program is not None and isinstance(row.program.tests, AssertTests):
            plan_of(row.program.tests)
