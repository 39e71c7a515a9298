"""The executor of reward functions: it sends groups of rows to killable workers and reports each kind of fault once."""

from __future__ import annotations

import inspect
import logging
import os
import threading
from collections.abc import Sequence
from typing import Any

from tasks.domain.errors import GraderUnavailable, UserError
from tasks.domain.rewards import is_own
from tasks.domain.rewards.base import Check, Decision
from tasks.domain.rewards.own import CALL_TIMEOUT_S, FunctionReward
from tasks.domain.settings import VerifySettings
from tasks.domain.visible import visible
from tasks.graders.answers import Outcome, WorkerPool
from tasks.graders.calls import error_row, group_seconds, is_async
from tasks.graders.child import ONE_THREAD, Failure

CALLER = "tasks.graders.calls:caller"
ASYNC_GROUP = 64  # rows that one message hands to an async function
FIRST_ROWS = 16  # are tried before the rest: a function that fails on all of them will not do better
LIMITS = {"timeout": "took longer than {limit:g} s, twice", "memory": "needed more than {memory_mb} MiB, twice",
          "crash": "ended its process, twice"}  # fmt: skip
log = logging.getLogger("restem")


class FunctionExecutor:
    """Decides checks of a `FunctionReward`; usable from several threads. Processes start with the first call."""

    def __init__(self, reward: FunctionReward, settings: VerifySettings) -> None:
        self.reward, self.options = reward, reward.options
        self.is_async = is_async(reward.function)
        self.many = self.is_async or self.options.batch > 0
        self.timeout_s = self.options.timeout_s or (CALL_TIMEOUT_S if self.many else settings.timeout_s)
        self.memory_mb = self.options.memory_mb
        if self.memory_mb is None:
            self.memory_mb = 0 if self.many else settings.memory_mb
        self.group = (self.options.batch or 1) if not self.is_async else max(ASYNC_GROUP, self.options.batch)
        self.limit_s = group_seconds(self.options, self.group, self.timeout_s, is_async=self.is_async)
        self.pool = WorkerPool(
            CALLER, self._processes(settings), 2 * self.limit_s, self.memory_mb, self._arguments(),
            {} if self.many else ONE_THREAD,
        )  # fmt: skip
        self._told: set[str] = set()
        self._answered = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Start the workers. UserError when the function's module cannot be imported there."""
        try:
            self.pool.warm()
        except GraderUnavailable as error:
            raise UserError(f"reward {self.reward.name!r} cannot be started in a worker: {error}") from error

    def run_many(self, checks: Sequence[Check]) -> list[Decision]:
        """Return one decision per check. UserError when the function fails on each of the first rows that it is given."""
        decisions: list[Decision | None] = [check.decided for check in checks]
        waiting = [row for row, decision in enumerate(decisions) if decision is None]
        first = [] if self._answered else waiting[:: max(1, len(waiting) // FIRST_ROWS)][:FIRST_ROWS]
        for rows in (first, [row for row in waiting if row not in set(first)]):
            for row, decision in zip(rows, self._decide([checks[row].payload for row in rows]), strict=True):
                decisions[row] = decision
            self._refuse_what_always_fails([decisions[row] for row in rows])
        return [decision for decision in decisions if decision is not None]

    def close(self) -> None:
        self.pool.close()

    def _decide(self, payloads: Sequence[Any]) -> list[Decision]:
        rows = [[payload["problem"], payload["text"]] for payload in payloads]
        groups = [rows[at : at + self.group] for at in range(0, len(rows), self.group)]
        outcomes = self.pool.outcomes(groups)
        return [one for group, found in zip(groups, outcomes, strict=True) for one in self._decisions(group, found)]

    def _decisions(self, group: Sequence[Any], found: Outcome) -> list[Decision]:
        seconds = found.seconds / len(group)
        if isinstance(found, Failure):
            detail = LIMITS[found.limit].format(limit=self.limit_s, memory_mb=self.memory_mb)
            found_rows = [error_row(found.limit, detail)] * len(group)
        else:
            found_rows = found.value
        for row, (problem, _) in zip(found_rows, group, strict=True):
            self._tell(row, problem["id"])
        return [Decision(row["label"], row["evidence"], row["reward"], seconds) for row in found_rows]

    def _tell(self, row: dict[str, Any], problem_id: str) -> None:
        """Log the first fault of its kind, with its traceback."""
        if row["label"] != "verifier_error":
            return
        trace = row.get("trace") or row["evidence"].get("detail", "")
        place = [line for line in trace.splitlines() if line.lstrip().startswith("File ")][-1:]
        kind = f"{row['evidence'].get('rule')} {place or trace}"
        with self._lock:
            if kind in self._told:
                return
            self._told.add(kind)
        log.warning("reward %s failed on problem %s, further faults like it are only counted: %s",
                    self.reward.name, problem_id, visible(trace))  # fmt: skip

    def _refuse_what_always_fails(self, decisions: Sequence[Decision | None]) -> None:
        made = [decision for decision in decisions if decision is not None]
        faults = [decision for decision in made if decision.label == "verifier_error"]
        self._answered = self._answered or len(faults) < len(made)
        if not self._answered and len(made) >= FIRST_ROWS:
            raise UserError(
                f"reward {self.reward.name!r} failed on each of the first {len(made)} samples, the last with "
                f"{faults[-1].evidence.get('detail')!r}; mend it and run again (`restem grade` tries it on a file)"
            )

    def _processes(self, settings: VerifySettings) -> int:
        if self.is_async:
            return 1
        return self.options.concurrency or (1 if self.options.batch else settings.workers)

    def _arguments(self) -> tuple[str, ...]:
        return (self._path(), self.reward.folder or "", os.getcwd(), str(self.timeout_s))

    def _path(self) -> str:
        """Return the path at which a worker finds the function; a registered one is found by its module."""
        if is_own(self.reward.name):
            return self.reward.name
        function = self.reward.function if inspect.isroutine(self.reward.function) else type(self.reward.function)
        if function.__module__ == "__main__" or "<" in function.__qualname__:
            raise UserError(
                f"reward {self.reward.name!r} is {function.__qualname__} of {function.__module__}, which a worker cannot "
                "import; define it at the top level of a module"
            )
        return f"{function.__module__}:{function.__qualname__}"
