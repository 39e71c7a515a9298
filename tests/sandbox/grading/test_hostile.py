"""Hostile programs get their verdict through the grading level, and the honest program after them is graded right."""

from __future__ import annotations

import pytest

from sandbox.grading.grading import Grading
from sandbox.status import Status
from tasks.graders.program_rows import program_of
from tests.sandbox.grading.hostile import ROWS

HONEST = {"program": "def f(x): return x + 4", "test": "assert f(1) == 5", "entry_point": "f"}
pytestmark = pytest.mark.heavy
CHUNKS = range(0, len(ROWS), 25)


@pytest.mark.parametrize("first", CHUNKS, ids=lambda first: ROWS[first]["id"])
def test_a_hostile_program_gets_its_verdict(grading: Grading, first: int) -> None:
    """In groups, so that they run side by side; every row names what it may get."""
    rows = ROWS[first : first + 25]
    graded = grading.grade_many([program_of({"cpu_seconds": 2, **row}) for row in rows])
    wrong = {
        row["id"]: f"{one.verdict}, not {row['verdict']}: {one.detail}"
        for row, one in zip(rows, graded, strict=True)
        if str(one.verdict) not in row["verdict"].split("|")
    }
    assert not wrong
    assert grading.grade(program_of(HONEST)).verdict == Status.AC


def test_names_tell_the_rows_apart() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)
