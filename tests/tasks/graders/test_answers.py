"""The worker pool keeps its size, its limits and its promises whatever the payloads do."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tasks.domain.errors import GraderUnavailable
from tasks.domain.rewards.base import Check
from tasks.domain.rewards.math import MathReward
from tasks.domain.schema import Problem
from tasks.domain.settings import VerifySettings
from tasks.graders.answers import WorkerPool, answer_executor
from tasks.graders.child import PROJECT_ROOT

HERE = Path(__file__).resolve()
LIMIT_S = 4.0  # of one payload, both attempts
RESTART_S = 10.0  # starting fresh workers: below 0.5 s on an idle machine, seconds on a very busy one
FUNCTION = "reward_payloads:act"


@pytest.fixture(scope="module", autouse=True)
def payload_module_on_path() -> Iterator[None]:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(HERE.parent)
    yield
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(FUNCTION, workers=2, timeout_s=LIMIT_S, memory_mb=512)
    yield pool
    pool.close()


def run(pool: WorkerPool, *payloads: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(d.label, dict(d.evidence)) for d in pool.run_many([Check(payload=p) for p in payloads])]


def test_answers_come_back_in_order(pool: WorkerPool) -> None:
    assert run(pool, *[["echo", n] for n in range(500)]) == [("correct", {"echo": n}) for n in range(500)]


@pytest.fixture(scope="module")
def patient_pool() -> Iterator[WorkerPool]:
    """No busy machine makes its payloads late."""
    pool = WorkerPool(FUNCTION, workers=2, timeout_s=120, memory_mb=512)
    yield pool
    pool.close()


@pytest.mark.parametrize("action", ["spin", "big_power"])
def test_what_does_not_end_is_wrong_in_time_and_its_neighbours_are_graded(pool: WorkerPool, action: str) -> None:
    run(pool, *[["echo", n] for n in range(20)])
    started = time.monotonic()
    assert_wrong_alone(pool, action, "timeout")
    assert time.monotonic() - started < LIMIT_S + RESTART_S


@pytest.mark.parametrize("action, limit", [("eat", "memory"), ("die", "crash"), ("raise", "crash")])
def test_what_ends_its_worker_is_wrong_and_its_neighbours_are_graded(
    patient_pool: WorkerPool, action: str, limit: str
) -> None:
    assert_wrong_alone(patient_pool, action, limit)


def assert_wrong_alone(pool: WorkerPool, action: str, limit: str) -> None:
    results = run(pool, ["echo", 1], [action], ["echo", 2], ["echo", 3])
    assert results[1] == ("wrong", {"rule": "grader_limit", "limit": limit})
    assert [results[0], *results[2:]] == [("correct", {"echo": n}) for n in (1, 2, 3)]
    assert pool.slots_alive() == pool.size


def test_a_fault_that_does_not_repeat_is_forgiven(pool: WorkerPool, tmp_path: Path) -> None:
    assert run(pool, ["die_once", str(tmp_path / "died")]) == [("correct", {"died": "before"})]


def test_the_time_to_load_a_library_is_no_payloads(pool: WorkerPool) -> None:
    assert [one.label for one in pool.run_many([Check(["load", 1.2 * LIMIT_S])])] == ["correct"]


def test_a_worker_killed_from_outside_is_replaced(pool: WorkerPool) -> None:
    run(pool, *[["echo", n] for n in range(20)])
    for pid in pool.worker_pids():
        os.kill(pid, signal.SIGKILL)
    assert run(pool, *[["echo", n] for n in range(20)]) == [("correct", {"echo": n}) for n in range(20)]


def test_output_of_a_payload_does_not_break_the_framing(pool: WorkerPool) -> None:
    assert run(pool, ["print"], ["echo", 1]) == [("correct", {"printed": True}), ("correct", {"echo": 1})]


def test_usable_from_threads_and_asyncio(pool: WorkerPool) -> None:
    def ask(n: int) -> list[tuple[str, dict[str, Any]]]:
        return run(pool, *[["echo", n * 100 + k] for k in range(50)])

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(16)))

    async def ask_all() -> list[list[tuple[str, dict[str, Any]]]]:
        return await asyncio.gather(*[asyncio.to_thread(ask, n) for n in range(16)])

    assert (
        asyncio.run(ask_all())
        == answers
        == [[("correct", {"echo": n * 100 + k}) for k in range(50)] for n in range(16)]
    )


def test_a_fork_gets_workers_of_its_own(pool: WorkerPool) -> None:
    run(pool, ["echo", 1])
    child = os.fork()
    if child == 0:
        os._exit(0 if run(pool, ["echo", 2]) == [("correct", {"echo": 2})] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_workers_that_cannot_start_are_an_infrastructure_error() -> None:
    pool = WorkerPool("no_such_module:nothing", workers=1)
    with pytest.raises(GraderUnavailable, match="no_such_module"):
        run(pool, ["echo", 1])
    pool.close()


def test_close_ends_the_workers_and_a_later_call_starts_new_ones() -> None:
    pool = WorkerPool(FUNCTION, workers=1, memory_mb=512)
    run(pool, ["echo", 1])
    (pid,) = pool.worker_pids()
    pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert run(pool, ["echo", 2]) == [("correct", {"echo": 2})]
    pool.close()


OWNER = """
import sys, threading
from tasks.domain.rewards.base import Check
from tasks.domain.rewards.math import MathReward
from tasks.domain.schema import Problem
from tasks.domain.settings import VerifySettings
from tasks.graders.answers import WorkerPool, answer_executor
pool = WorkerPool("reward_payloads:act", workers=1, timeout_s=600, memory_mb=512)
pool.run_many([Check(payload=["echo", 1])])
print(pool.worker_pids()[0], flush=True)
threading.Thread(target=lambda: pool.run_many([Check(payload=["tell_then_big_power", sys.argv[1]])])).start()
"""


def test_no_worker_outlives_a_killed_parent_even_inside_one_long_operation(tmp_path: Path) -> None:
    busy = tmp_path / "busy"
    os.mkfifo(busy)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(busy)], stdout=subprocess.PIPE, cwd=PROJECT_ROOT, text=True
    )
    assert owner.stdout is not None
    worker = int(owner.stdout.readline())
    assert busy.read_text() == "busy"
    watch = os.pidfd_open(worker)
    owner.kill()
    owner.wait()
    assert _ends(watch, 10.0)


def _ends(pidfd: int, seconds: float) -> bool:
    return bool(select.select([pidfd], [], [], seconds)[0])


def test_overhead_per_payload_is_small(pool: WorkerPool) -> None:
    payloads = [["echo", n] for n in range(20_000)]
    run(pool, *payloads[:100])
    started = time.process_time()
    run(pool, *payloads)
    assert (time.process_time() - started) / len(payloads) < 200e-6  # about 15 us on an idle core


def test_answers_that_need_sympy_are_decided_in_the_workers_of_a_run() -> None:
    """Under the memory limit of the settings, and without `grader_limit`; their near misses are wrong for what they say."""
    pairs = (
        (r"\neg p\lor\neg q", r"\neg(p\land q)", r"\neg(p\lor q)"),
        (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}", r"\frac{n(n-1)}{2}"),
        (r"e^{x}\cos x", r"\frac{e^{x}(e^{ix}+e^{-ix})}{2}", r"\frac{e^{x}(e^{ix}-e^{-ix})}{2}"),
    )
    checks = [
        MathReward().prepare(Problem("a", "", "test", "math", "", gold=gold), f"\\boxed{{{answer}}}")
        for gold, *answers in pairs
        for answer in answers
    ]
    assert not any(check.decided for check in checks)
    workers = answer_executor(VerifySettings(workers=1, timeout_s=120))
    try:
        decisions = list(workers.run_many(checks))
    finally:
        workers.close()
    assert [decision.label for decision in decisions] == ["correct", "wrong"] * len(pairs)
    assert {decision.evidence["proof"] for decision in decisions[::2]} == {"symbolic"}
    assert "grader_limit" not in {decision.evidence["rule"] for decision in decisions}
