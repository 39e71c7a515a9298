"""Code rewards on public data: references that pass, mutants graded like a plain run, tests a second per core.

Needs a Docker engine and the public data sets (RESTEM_SHARED_DATA). Each mutant (at least 1,000) is graded in the sandbox and by
`tests.sandbox.grading.plain_run`; a disagreement is listed with its source.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.grading.grading import Grading
from sandbox.grading.tests import count, read_tests
from sandbox.limits import Limits
from sandbox.pool.pool import open_sandbox
from sandbox.settings import SandboxSettings
from sandbox.status import Status
from tests.sandbox.grading import plain_run
from tests.sandbox.grading.references import Reference, references

MUTANTS_EACH = {"humaneval": 3, "mbpp": 1, "apps": 1}
MUTANT_LIMITS = Limits(cpu_seconds=plain_run.CPU_SECONDS)
REFERENCES_EACH = {"humaneval": 1, "mbpp": 1, "apps": 10}


def main() -> dict[str, Any]:
    with open_sandbox(SandboxSettings()) as sandbox:
        grading = Grading(sandbox)
        figures = {kind: reference_figures(grading, kind) for kind in MUTANTS_EACH}
        figures["mutants"] = mutant_figures(grading)
        grading.close()
    return figures


def reference_figures(grading: Grading, kind: str) -> dict[str, Any]:
    """Problems with a passing reference; the others with their verdicts."""
    rows = references(kind, REFERENCES_EACH[kind])
    started = time.monotonic()
    graded = grading.grade_many([row.program() for row in rows])
    seconds = time.monotonic() - started
    found = [(row, one) for row, one in zip(rows, graded, strict=True)]
    passing = {row.problem for row, one in found if one.verdict == Status.AC}
    first = [one.verdict == Status.AC for row, one in found if row.number == 0]
    tests = sum(count(read_tests(row.tests)) for row in rows)
    failing = {row.problem: f"{one.verdict}: {one.detail}" for row, one in found if row.problem not in passing}
    return {
        "problems": len(first), "first_reference_passes": sum(first), "some_reference_passes": len(passing), "failing": failing,
        "programs": len(rows), "programs_per_second": round(len(rows) / seconds, 1),
        "tests_per_second_per_core": round(tests / seconds / (os.cpu_count() or 1), 1),
        "cpu_seconds_in_programs": round(sum(one.cpu_seconds for one in graded), 2),
        "verdicts": dict(Counter(str(one.verdict) for one in graded)),
    }  # fmt: skip


def mutant_figures(grading: Grading) -> dict[str, Any]:
    """Each mutant both ways."""
    rows = [(row, source) for row in all_references() for source in row.mutants(MUTANTS_EACH[kind_of(row)])]
    graded = grading.grade_many([row.program(source, MUTANT_LIMITS) for row, source in rows])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        plain = list(pool.map(lambda pair: plain_run.passes(pair[1], pair[0].tests), rows))
    pairs = list(zip(rows, graded, plain, strict=True))
    differing = [
        {"problem": row.problem, "sandbox": f"{one.verdict}: {one.detail}", "plain": passed, "source": source}
        for (row, source), one, passed in pairs
        if (one.verdict == Status.AC) != passed
    ]
    return {
        "mutants": len(rows), "by_source": dict(Counter(kind_of(row) for row, _ in rows)), "passing": sum(plain),
        "verdicts": dict(Counter(str(one.verdict) for one in graded)), "disagreements": len(differing), "differing": differing,
    }  # fmt: skip


def all_references() -> list[Reference]:
    return [row for kind in MUTANTS_EACH for row in references(kind, 1)]


def kind_of(row: Reference) -> str:
    return row.problem.split("/")[0]
