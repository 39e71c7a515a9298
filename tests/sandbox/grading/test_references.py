"""References of public data sets pass, and mutants of them get what a plain run of the same tests gives."""

from __future__ import annotations

import pytest

from sandbox.grading.grading import Grading
from sandbox.limits import Limits
from sandbox.status import Status
from tests.sandbox.grading import plain_run
from tests.sandbox.grading.references import references

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("public_data")]
MUTANTS = 90  # a sample; the benchmark takes more than a thousand


@pytest.mark.parametrize(("kind", "each", "least"), [("humaneval", 1, 164), ("mbpp", 1, 972), ("apps", 10, 96)])
def test_references_pass(grading: Grading, kind: str, each: int, least: int) -> None:
    rows = references(kind, each)
    graded = grading.grade_many([row.program() for row in rows])
    passing = {row.problem for row, one in zip(rows, graded, strict=True) if one.verdict == Status.AC}
    failing = [(row.problem, one) for row, one in zip(rows, graded, strict=True) if row.problem not in passing]
    assert not [one for one in graded if one.verdict == Status.INFRA]
    assert len(passing) >= least, failing


def test_mutants_get_what_a_plain_run_gives(grading: Grading) -> None:
    rows = [row for kind in ("humaneval", "mbpp", "apps") for row in references(kind)]
    pairs = [(row, source) for row in rows[:: len(rows) // MUTANTS] for source in row.mutants(1)]
    limits = Limits(cpu_seconds=plain_run.CPU_SECONDS)
    graded = grading.grade_many([row.program(source, limits) for row, source in pairs])
    differing = [
        (row.problem, one, source)
        for (row, source), one in zip(pairs, graded, strict=True)
        if (one.verdict == Status.AC) != plain_run.passes(source, row.tests)
    ]
    assert len(pairs) >= MUTANTS // 2
    assert not differing
