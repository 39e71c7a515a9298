"""Grading speed and agreement on the mix of `_math_mix`, against math-verify 0.9 in the same run on the same core.

math-verify grades sequentially in this process, with its timeouts off and each gold parsed once per problem (its best case);
it sees every 13th row, because all of them would take minutes. "Without memo" decides every row anew in this process; "with
memo" is the grader as the stages use it, with one worker process. All times are CPU times (of both processes for the grader),
so that a busy machine does not change the ratios; on an idle one they are the wall times. SymPy is loaded before: math-verify
imports it at once, the grader at the first pair that needs it. Objects loaded by then are left out of garbage collections
for both.
"""

from __future__ import annotations

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from tasks.domain.equivalence.decide import decide
from tasks.domain.equivalence.values.symbolic import warm_up
from tasks.domain.rewards.grader import Grader
from tasks.domain.rewards.math import MathReward
from tasks.domain.schema import Problem
from tasks.domain.settings import VerifySettings
from tasks.graders.answers import WorkerPool
from tests.benchmarks._math_mix import Row, mix

EVERY = 13  # not a divisor of 32: all places among the samples are met


def main() -> dict[str, Any]:
    rows = mix()
    reference = rows[::EVERY]
    grade = math_verify_grader()
    warm_up()
    gc.collect()
    gc.freeze()
    theirs, their_seconds = timed(grade, reference)
    ours, our_seconds, ways = without_memo(rows)
    with_memo = memo_seconds(rows)
    their_mean, our_mean = sum(their_seconds) / len(reference), sum(our_seconds) / len(rows)
    return {
        "rows": len(rows),
        "math_verify": {"rows": len(reference), "pairs_per_second": round(1 / their_mean), **quantiles(their_seconds)},
        "without_memo": {"pairs_per_second": round(1 / our_mean), **quantiles(our_seconds)},
        "with_memo": {"pairs_per_second": round(len(rows) / with_memo)},
        "times_faster_without_memo": round(their_mean / our_mean, 1),
        "times_faster_with_memo": round(their_mean * len(rows) / with_memo, 1),
        "by_way": {way: {"rows": len(s), **quantiles(s)} for way, s in sorted(grouped(ways, our_seconds).items())},
        "by_kind": {
            k: {"rows": len(s), **quantiles(s)} for k, s in sorted(grouped([r.kind for r in rows], our_seconds).items())
        },
        "wrongly_graded": {"math_verify": errors(reference, theirs), "ours": errors(rows, ours)},
    }


def problem_of(row: Row) -> Problem:
    return Problem(str(row.problem), "mix", "train", "math", "", gold=row.gold)


def timed(grade: Callable[[Row], bool], rows: Sequence[Row]) -> tuple[list[bool], list[float]]:
    verdicts, seconds = [], []
    for row in rows:
        started = time.process_time()
        verdicts.append(grade(row))
        seconds.append(time.process_time() - started)
    return verdicts, seconds


def math_verify_grader() -> Callable[[Row], bool]:
    from math_verify import parse, verify

    golds: dict[str, Any] = {}

    def grade(row: Row) -> bool:
        if row.gold not in golds:
            golds[row.gold] = parse(f"${row.gold}$", parsing_timeout=None)
        return bool(verify(golds[row.gold], parse(row.text, parsing_timeout=None), timeout_seconds=None))

    return grade


def without_memo(rows: Sequence[Row]) -> tuple[list[bool], list[float], list[str]]:
    """Verdicts, seconds, and the way each took: exact (no parsing) or symbolic."""
    reward, ways = MathReward(), []

    def grade(row: Row) -> bool:
        check = reward.prepare(problem_of(row), row.text)
        ways.append("exact" if check.decided else "symbolic")
        return (check.decided.label if check.decided else decide(check.payload)[0]) == "correct"

    verdicts, seconds = timed(grade, rows)
    return verdicts, seconds, ways


def memo_seconds(rows: Sequence[Row]) -> float:
    """CPU seconds, worker included, of one call on a fresh grader whose worker runs already and has loaded SymPy."""
    grader = Grader(VerifySettings(workers=1))
    assert isinstance(grader.executor, WorkerPool)
    grader.grade_texts([(problem_of(Row("warm", -1, r"2 \ln(x+1)", "", True)), r"\boxed{\ln(x^2+2x+1)}")])
    pairs = [(problem_of(row), row.text) for row in rows]
    (worker,) = map(psutil.Process, grader.executor.worker_pids())
    started = time.process_time() + sum(worker.cpu_times()[:2])
    grader.grade_texts(pairs)
    elapsed = time.process_time() + sum(worker.cpu_times()[:2]) - started
    grader.close()
    return elapsed


def grouped(names: Sequence[str], seconds: Sequence[float]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for name, value in zip(names, seconds, strict=True):
        groups[name].append(value)
    return groups


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    places = {"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1.0}
    return {
        name: round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)
        for name, share in places.items()
    }


def errors(rows: Sequence[Row], verdicts: Sequence[bool]) -> dict[str, int]:
    pairs = list(zip(rows, verdicts, strict=True))
    return {"accepted": sum(v and not r.right for r, v in pairs), "refused": sum(r.right and not v for r, v in pairs)}
