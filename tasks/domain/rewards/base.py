"""What a reward is: `prepare` a check from a row, let an executor decide many checks, `judge` the result.

`prepare` and `judge` are cheap and pure and run where they are called; everything slow or dangerous happens in the
executor, which may be a pool of processes or of containers. Checks with equal `key` are decided once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast, runtime_checkable

from tasks.domain.schema import Kind, Label, Problem, Verdict, as_key
from tasks.domain.settings import VerifySettings

Grades = Kind | Literal["any"]  # kind of the problems that a reward can grade


@dataclass(frozen=True)
class Decision:
    """An executor's word on one check. `seconds` is how long it took; it never enters a verdict."""

    label: Label
    evidence: Mapping[str, Any] = field(default_factory=dict)
    reward: float | None = None  # None: 1 for correct, unknown for verifier_error, else 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Check:
    """What an executor needs to decide one row: picklable, and `payload` is JSON-like.

    `key` names everything the decision depends on, so equal keys are graded once; None: never share.
    `decided` is set when `prepare` already knows. `evidence` is about this row (where the answer was found).
    """

    payload: Any = None
    key: str | None = None
    decided: Decision | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Executor(Protocol):
    """Decides checks; usable from several threads at once."""

    def run_many(self, checks: Sequence[Check]) -> list[Decision]:
        """One decision per check, in order. GraderUnavailable when nothing can be decided at all."""

    def close(self) -> None:
        """Free processes and connections; calling it twice is harmless."""


@runtime_checkable
class Reward(Protocol):
    """One way to grade. `version` is bumped whenever what it decides can change: it is part of the stage's key."""

    name: str
    version: str

    @property
    def kind(self) -> Grades: ...

    def prepare(self, problem: Problem, text: str) -> Check: ...

    def executor(self, settings: VerifySettings) -> Executor: ...

    def judge(self, problem: Problem, result: Decision) -> Verdict: ...

    def gold_text(self, problem: Problem) -> str:
        """A completion that must be graded correct when the problem's gold is sound."""


@runtime_checkable
class ChecksGold(Protocol):
    """A reward whose gold needs a stricter check than being graded against itself."""

    def prepare_gold(self, problem: Problem) -> Check: ...


@runtime_checkable
class Reads(Protocol):
    """A reward of this kind has verdicts that depend on more of a problem than its gold and its tests."""

    def reads(self, problem: Problem) -> Any: ...


def what_is_read(reward: Reward, problem: Problem) -> Any:
    """What of a problem stands in the key of its verdicts; all of it for a reward of somebody's own that does not say."""
    if _says_what_it_reads(type(reward)):
        return cast(Reads, reward).reads(problem)
    ours = type(reward).__module__.startswith("tasks.domain.rewards")
    return (problem.id, problem.gold, problem.tests) if ours else as_key(problem)


@functools.cache
def _says_what_it_reads(kind: type) -> bool:
    """Return whether rewards of this class are `Reads`; the question is asked for every problem, and protocols answer slowly."""
    return issubclass(kind, Reads)


def verdict_of(problem: Problem, result: Decision) -> Verdict:
    """The usual `judge`: the decision with its reward filled in. `index` is left at 0 for the caller."""
    reward = result.reward
    if reward is None and result.label != "verifier_error":
        reward = 1.0 if result.label == "correct" else 0.0
    return Verdict(problem.id, 0, result.label, reward, dict(result.evidence))


@runtime_checkable
class Opens(Protocol):
    """An executor that can say beforehand whether it will work."""

    def open(self) -> Any:
        """Start what is needed. UserError when it cannot be had."""


class InlineExecutor:
    """Runs a cheap, trusted function on each payload in the calling thread."""

    def __init__(self, decide: Callable[[Any], Decision]) -> None:
        self._decide = decide

    def run_many(self, checks: Sequence[Check]) -> list[Decision]:
        return [check.decided or self._decide(check.payload) for check in checks]

    def close(self) -> None:
        """Do nothing: there is nothing to free."""
