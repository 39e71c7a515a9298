"""Independent graders, which share only the question with ours: math-verify in killable workers, and plain runs of programs.

An opinion is True, False, or None where the second grader cannot say: an unreadable gold, a limit that it met, no program.
"""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Sequence
from typing import Any, Protocol

from sandbox.grading.grading import wants_numpy
from sandbox.grading.tests import BadTests, StdinTest, read_tests
from sandbox.job import Job
from sandbox.limits import Limits
from sandbox.pool.pool import Sandbox, open_sandbox
from sandbox.status import Ending
from tasks.domain.golds import with_each_gold
from tasks.domain.rewards.code import CodeReward
from tasks.domain.schema import Problem
from tasks.domain.settings import VerifySettings
from tasks.graders.answers import WorkerPool
from tasks.graders.child import Answer
from tasks.graders.place import sandbox_settings

MATH_VERIFY = f"{__name__}:math_verify_says"
MATH_REWARDS = ("math", "exact")
LONGEST_TEXT = 20_000  # characters, from the end: math-verify's patterns are slow on long texts
TIMEOUT_S, MEMORY_MB = 20.0, 2048
ASSERTS = "\n{test}\n{check}\nprint({end!r})\n"
CALL = """
_function = globals().get({function!r}) or getattr(Solution(), {function!r})
_listed = lambda value: [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value
import json as _json
_value, _expected = _listed(_function(*_json.loads({arguments!r}))), _json.loads({expected!r})
if _value == _expected or (isinstance(_expected, list) and len(_expected) == 1 and _value == _expected[0]):
    print({end!r})
"""
GIVEN = """
from typing import *
import bisect, collections, functools, heapq, itertools, json, math, operator, random, re, string, sys
from bisect import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import ceil, comb, factorial, floor, gcd, inf, sqrt
"""
Row = tuple[Problem, str]


class SecondGrader(Protocol):
    """An independent grader; reports show its `name`."""

    name: str

    def opinions(self, rows: Sequence[Row]) -> list[bool | None]:
        """Return one opinion per row, in order."""

    def close(self) -> None:
        """End what was started."""


def second_grader(settings: VerifySettings) -> SecondGrader | str:
    """Return the independent grader for a run's reward, or why there is none. UserError when programs cannot be run."""
    if settings.reward in MATH_REWARDS:
        return MathVerify()
    if settings.reward == "code":
        return PlainRuns(settings)
    return f"there is no second grader for the reward {settings.reward}"


class MathVerify:
    """Runs math-verify on the end of each completion; a worker that was ended by a limit has no opinion."""

    name = "math-verify"

    def __init__(self) -> None:
        self._pool = WorkerPool(MATH_VERIFY, 0, 2 * TIMEOUT_S, MEMORY_MB)

    def opinions(self, rows: Sequence[Row]) -> list[bool | None]:
        expanded = [(with_each_gold(problem), text[-LONGEST_TEXT:]) for problem, text in rows]
        asked = [[one.gold or "", text] for problems, text in expanded for one in problems]
        found = iter([one.value if isinstance(one, Answer) else None for one in self._pool.outcomes(asked)])
        return [_any_of([next(found) for _ in problems]) for problems, _ in expanded]

    def close(self) -> None:
        self._pool.close()


def _any_of(said: Sequence[bool | None]) -> bool | None:
    """Alternatives: one that is met is enough, and without one an opinion that is missing leaves it open."""
    return True if True in said else None if None in said else False


def math_verify_says(payload: Sequence[str]) -> bool | None:
    """Return, in a worker, whether math-verify finds the gold. Its own time limits are off, because they need a main thread's signals."""
    from math_verify import verify

    gold, text = payload
    wanted = _parsed(f"${gold}$")
    if not wanted:
        return None
    return bool(verify(wanted, _parsed(text), timeout_seconds=None))


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> Any:
    from math_verify import parse

    return parse(text, parsing_timeout=None)


class PlainRuns:
    """Runs program and tests in one process of the sandbox, as the data sets' own harnesses do. Our own code extracts the program."""

    name = "plain re-execution"

    def __init__(self, settings: VerifySettings) -> None:
        code = settings.code
        self._limits = Limits(cpu_seconds=code.cpu_seconds, memory_mb=code.memory_mb, output_bytes=code.output_kb << 10)
        self._sandbox: Sandbox = open_sandbox(sandbox_settings(settings.sandbox))

    def opinions(self, rows: Sequence[Row]) -> list[bool | None]:
        jobs = [self._jobs(problem, text) for problem, text in rows]
        running = [[(self._sandbox.submit(job), end) for job, end in some] for some in jobs]
        return [_all_pass([(one.result(), end) for one, end in some]) for some in running]

    def close(self) -> None:
        self._sandbox.close()

    def _jobs(self, problem: Problem, text: str) -> list[tuple[Job, bytes]]:
        """Return one process per test, or one for all asserts, each with what its output must be or must end with."""
        payload = CodeReward().prepare(problem, text).payload
        if payload is None:
            return []
        source = str(payload["source"])
        try:
            return self._cases(source, str(problem.tests))
        except BadTests:
            return []

    def _cases(self, source: str, tests_text: str) -> list[tuple[Job, bytes]]:
        tests, record = read_tests(tests_text), json.loads(tests_text)
        end = secrets.token_hex(12)
        if not isinstance(tests, tuple):
            name = record.get("entry_point")
            check = f"check({name})" if name and "def check(" in record["test"] else ""
            return [self._job(source + ASSERTS.format(test=record["test"], check=check, end=end), b"", end.encode())]
        return [
            self._job(source, one.stdin, one.expected) if isinstance(one, StdinTest)
            else self._job(_with_names(source) + CALL.format(
                function=one.function, arguments=json.dumps(one.arguments), expected=json.dumps(one.expected), end=end,
            ), b"", end.encode())
            for one in tests
        ]  # fmt: skip

    def _job(self, source: str, stdin: bytes, end: bytes) -> tuple[Job, bytes]:
        content = source.encode("utf-8", "surrogatepass")
        return Job(content, "stdin", stdin=stdin, limits=self._limits, numpy=wants_numpy(content)), end


def _with_names(source: str) -> str:
    """The source after the imports that sites with a given signature make for every program."""
    return source if "from __future__" in source else GIVEN + source


def _all_pass(done: Sequence[tuple[Any, bytes]]) -> bool | None:
    if not done or any(one.ending == Ending.INFRA for one, _ in done):
        return None
    return all(one.ending == Ending.OK and _tail(one.stdout.split(), wanted.split()) for one, wanted in done)


def _tail(found: list[bytes], wanted: list[bytes]) -> bool:
    """Words of the output; after asserts and calls only the last one counts, whatever the program printed itself."""
    return found == wanted or (len(wanted) == 1 and len(wanted[0]) == 24 and found[-1:] == wanted)
