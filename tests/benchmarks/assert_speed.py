"""References with asserts: the sandbox against a plain pool of two subprocesses without isolation, interleaved in one process.

In each round both grade the same slice of the data set; ratios are of their sums, so that a machine that others use as well
changes both. Also the start-up of a sandbox until its first verdict. Needs a Docker engine and the public data (RESTEM_SHARED_DATA).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.grading.grading import Grading
from sandbox.pool.pool import open_sandbox
from sandbox.settings import SandboxSettings
from sandbox.status import Status
from tests.sandbox.grading import plain_run
from tests.sandbox.grading.references import Reference, references

ROUNDS, MOST = 9, 164
WORKERS = 2


def main() -> dict[str, Any]:
    started = time.monotonic()
    with open_sandbox(SandboxSettings()) as sandbox:
        grading = Grading(sandbox)
        grading.grade(references("mbpp")[0].program())
        figures: dict[str, Any] = {"start_up_seconds": round(time.monotonic() - started, 2)}
        for kind in ("humaneval", "mbpp"):
            figures[kind] = against_a_plain_pool(grading, references(kind)[:MOST])
        grading.close()
    return figures


def against_a_plain_pool(grading: Grading, rows: list[Reference]) -> dict[str, Any]:
    """Programs a second of both, and the ratio of each round."""
    grading.grade_many([row.program() for row in rows[: 4 * WORKERS]])
    ours, theirs, ratios = 0.0, 0.0, []
    for number in range(ROUNDS):
        part = rows[number::ROUNDS]
        one, other = _seconds(lambda part=part: _graded(grading, part)), _seconds(lambda part=part: _plain(part))
        ours, theirs, ratios = ours + one, theirs + other, [*ratios, other / one]
    return {
        "programs": len(rows), "programs_per_second": round(len(rows) / ours, 1),
        "plain_programs_per_second": round(len(rows) / theirs, 1), "ratio": round(theirs / ours, 2),
        "median_ratio": round(statistics.median(ratios), 2), "ratios": [round(ratio, 2) for ratio in ratios],
    }  # fmt: skip


def _graded(grading: Grading, rows: list[Reference]) -> None:
    found = grading.grade_many([row.program() for row in rows])
    assert all(one.verdict == Status.AC for one in found)


def _plain(rows: list[Reference]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda row: plain_run.passes(row.source, row.tests), rows))


def _seconds(work: Callable[[], None]) -> float:
    since = time.monotonic()
    work()
    return time.monotonic() - since
