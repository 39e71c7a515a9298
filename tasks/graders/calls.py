"""Calling a reward function, inside a grading worker (`tasks.graders.worker`): rows in, answers out, exceptions caught.

A payload is a group of rows `[[problem, text], ...]`; its value is a list of `{"label", "evidence", "reward", "trace"?}`, one a row.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import math
import os
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tasks.domain.rewards import reward_named
from tasks.domain.rewards.base import Decision
from tasks.domain.rewards.own import FunctionReward, Options
from tasks.domain.schema import LABELS, Problem

BACKOFF_S = 0.5  # before the second attempt; doubles
MOST_DETAIL = 500  # characters of a message kept as evidence
ASYNC_CONCURRENCY = 16
Row = dict[str, Any]
Rows = Sequence[tuple[Problem, str]]


def caller(name: str, folder: str, place: str, timeout_s: str) -> Callable[[list[Any]], list[Row]]:
    """Return the function that a worker calls on each payload. Relative paths are relative to the directory `place`."""
    os.chdir(place)
    made = reward_named(name, folder or None)
    assert isinstance(made, FunctionReward)
    calls = Calls(made, float(timeout_s))

    def answer(payload: list[Any]) -> list[Row]:
        return calls.answer([(Problem(**problem), text) for problem, text in payload])

    return answer


class Calls:
    """One reward function with its way of being called. An event loop is kept, so that connections outlive a call."""

    def __init__(self, made: FunctionReward, timeout_s: float) -> None:
        self.function, self.options, self.name, self.timeout_s = made.function, made.options, made.name, timeout_s
        self.is_async = is_async(made.function)
        self._runner = asyncio.Runner() if self.is_async else None

    def answer(self, rows: Rows) -> list[Row]:
        """Return one answer per row, in order."""
        size = self.options.batch or 1
        groups = [rows[at : at + size] for at in range(0, len(rows), size)]
        if self._runner is not None:
            return self._runner.run(self._together(groups))
        return [answer for group in groups for answer in self._call(group)]

    def _call(self, group: Rows) -> list[Row]:
        for attempt in range(self.options.retries + 1):
            try:
                return self._answers(group, self.function(*self._arguments(group)))
            except MemoryError:
                raise
            except (Exception, SystemExit) as error:  # noqa: BLE001  boundary: a function of somebody else's may raise anything
                if attempt == self.options.retries:
                    return [_fault(error)] * len(group)
                time.sleep(BACKOFF_S * 2**attempt)
        raise AssertionError("unreachable")

    async def _together(self, groups: Sequence[Rows]) -> list[Row]:
        gate = asyncio.Semaphore(self.options.concurrency or ASYNC_CONCURRENCY)
        done = await asyncio.gather(*[self._awaited(group, gate) for group in groups])
        return [answer for answers in done for answer in answers]

    async def _awaited(self, group: Rows, gate: asyncio.Semaphore) -> list[Row]:
        async with gate:
            for attempt in range(self.options.retries + 1):
                try:
                    given: Awaitable[Any] = self.function(*self._arguments(group))
                    return self._answers(group, await asyncio.wait_for(given, self.timeout_s))
                except MemoryError:
                    raise
                except (Exception, SystemExit) as error:  # noqa: BLE001  boundary, as above
                    if attempt == self.options.retries:
                        return [self._late() if isinstance(error, TimeoutError) else _fault(error)] * len(group)
                    await asyncio.sleep(BACKOFF_S * 2**attempt)
        raise AssertionError("unreachable")

    def _arguments(self, group: Rows) -> tuple[Any, Any]:
        if not self.options.batch:
            return group[0]
        return [problem for problem, _ in group], [text for _, text in group]

    def _answers(self, group: Rows, given: Any) -> list[Row]:
        if not self.options.batch:
            return [_row(given, self.name)]
        answers = list(given)
        if len(answers) != len(group):
            raise ValueError(f"returned {len(answers)} answers for {len(group)} rows")
        return [_row(one, self.name) for one in answers]

    def _late(self) -> Row:
        return error_row("timeout", f"no answer within {self.timeout_s:g} s")


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether a call of the function must be awaited."""
    called = function if inspect.isroutine(function) else type(function).__call__
    return inspect.iscoroutinefunction(called)


def group_seconds(options: Options, rows: int, timeout_s: float, *, is_async: bool) -> float:
    """Return the most seconds that a group of rows may take when every call uses its limit and all its attempts."""
    calls = math.ceil(rows / max(1, options.batch))
    rounds = math.ceil(calls / (options.concurrency or ASYNC_CONCURRENCY)) if is_async else calls
    pauses = BACKOFF_S * (2**options.retries - 1)
    return rounds * (timeout_s * (options.retries + 1) + pauses) + (1.0 if is_async else 0.0)


def error_row(rule: str, detail: str, trace: str | None = None) -> Row:
    """Return the row of a call without an answer; the evidence says whose fault it was."""
    row: Row = {"label": "verifier_error", "evidence": {"rule": rule, "detail": detail[:MOST_DETAIL]}, "reward": None}
    return row if trace is None else row | {"trace": trace}


def _fault(error: BaseException) -> Row:
    detail = f"{type(error).__name__}: {error}".rstrip(": ")
    return error_row("exception", detail, "".join(traceback.format_exception(error)))


def _row(given: Any, name: str) -> Row:
    """Turn what a function may answer for a row into plain values."""
    if type(given).__module__.split(".")[0] in ("numpy", "torch") and callable(getattr(given, "item", None)):
        given = given.item()
    if isinstance(given, Decision):
        return _decision_row(given)
    if isinstance(given, bool):
        return {"label": "correct" if given else "wrong", "evidence": {"rule": name}, "reward": None}
    if isinstance(given, int | float) and 0 <= given <= 1:
        return {"label": "correct" if given >= 1 else "wrong", "evidence": {"rule": name}, "reward": float(given)}
    shown = repr(given)[:100] if isinstance(given, int | float) else f"a {type(given).__name__}"
    return error_row("answer", f"returned {shown}; expected True, False, a number in [0, 1] or a Decision")


def _decision_row(given: Decision) -> Row:
    if given.label not in LABELS:
        return error_row("answer", f"returned the label {given.label!r}; expected one of {', '.join(LABELS)}")
    if given.reward is not None and not 0 <= given.reward <= 1:
        return error_row("answer", f"returned the reward {given.reward!r}; expected a number in [0, 1]")
    evidence = json.loads(json.dumps(dict(given.evidence), default=str))
    return {"label": given.label, "evidence": evidence, "reward": given.reward}
