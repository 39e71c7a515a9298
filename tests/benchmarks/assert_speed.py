"""References with asserts: the sandbox against a plain pool of two subprocesses without isolation, interleaved in one process.

In each round both grade the whole data set, whose tests are read anew; ratios are of their sums, so that a machine that others use as
well changes both. Then the whole command, `restem grade code FILE`, against such a pool, and the start-up of a sandbox until its first
verdict. The command runs once before it is measured: its modules are compiled then, as the interpreter's own are that the pool loads.
Needs a Docker engine and the public data (RESTEM_SHARED_DATA).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sandbox.grading.grading import Grading
from sandbox.grading.planning.plan import plan_of
from sandbox.grading.tests import AssertTests, assert_tests, read_tests
from sandbox.pool.pool import open_sandbox
from sandbox.settings import SandboxSettings
from sandbox.status import Status
from tests.sandbox.grading import plain_run
from tests.sandbox.grading.references import Reference, references

ROUNDS, WHOLE_ROUNDS = 5, 3
PLAIN_CPU_SECONDS = 10  # no reference is cut short: what the sandbox works through, the pool works through
WORKERS = 2
RESTEM = Path(sys.executable).with_name("restem")


def main() -> dict[str, Any]:
    started = time.monotonic()
    with open_sandbox(SandboxSettings()) as sandbox:
        grading = Grading(sandbox)
        grading.grade(references("mbpp")[0].program())
        figures: dict[str, Any] = {"start_up_seconds": round(time.monotonic() - started, 2)}
        for kind in ("humaneval", "mbpp"):
            figures[kind] = against_a_plain_pool(grading, references(kind))
        grading.close()
    for kind in ("humaneval", "mbpp"):
        figures[kind]["whole_command"] = whole_command(references(kind))
    return figures


def against_a_plain_pool(grading: Grading, rows: list[Reference]) -> dict[str, Any]:
    """Programs a second of both, and the ratio of each round."""
    warming = [*rows[: 4 * WORKERS], *_that_run(rows)]  # both kinds of containers are up then
    grading.grade_many([row.program() for row in warming])
    ours, theirs, ratios = 0.0, 0.0, []
    for _ in range(ROUNDS):
        for cached in (read_tests, assert_tests, plan_of):  # tests are read for the first time, as by a first grading
            cached.cache_clear()
        one, other = _seconds(lambda: _graded(grading, rows)), _seconds(lambda: _plain(rows))
        ours, theirs, ratios = ours + one, theirs + other, [*ratios, other / one]
    return {
        "programs": len(rows), "programs_per_second": round(ROUNDS * len(rows) / ours, 1),
        "plain_programs_per_second": round(ROUNDS * len(rows) / theirs, 1), "ratio": round(theirs / ours, 2),
        "median_ratio": round(statistics.median(ratios), 2), "ratios": [round(ratio, 2) for ratio in ratios],
    }  # fmt: skip


def _that_run(rows: list[Reference]) -> list[Reference]:
    """Two of those whose tests have to run in a container of their own."""
    return [row for row in rows if isinstance(tests := row.program().tests, AssertTests) and plan_of(tests) is None][
        :WORKERS
    ]


def whole_command(rows: list[Reference]) -> dict[str, Any]:
    """`restem grade code` on a file of the rows, from its start to its end, and the pool on the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        records = [{"id": row.problem, "program": row.source, **json.loads(row.tests)} for row in rows]
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        _commanded(path, len(rows))
        ours, theirs = [], []
        for _ in range(WHOLE_ROUNDS):
            ours.append(_seconds(lambda: _commanded(path, len(rows))))
            theirs.append(_seconds(lambda: _plain(rows)))
    return {"seconds": ours, "plain_seconds": theirs, "ratio": round(sum(theirs) / sum(ours), 2)}


def _commanded(path: Path, rows: int) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [str(RESTEM), "grade", "code", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout)["counts"] == {"AC": rows}


def _graded(grading: Grading, rows: list[Reference]) -> None:
    found = list(grading.map(lambda row: grading.grade(row.program()), rows))  # tests are read by the graders' threads
    assert all(one.verdict == Status.AC for one in found)


def _plain(rows: list[Reference]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        passed = list(pool.map(lambda row: plain_run.passes(row.source, row.tests, PLAIN_CPU_SECONDS), rows))
    assert all(passed)


def _seconds(work: Callable[[], None]) -> float:
    since = time.monotonic()
    work()
    return time.monotonic() - since
