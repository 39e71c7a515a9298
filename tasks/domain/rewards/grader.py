"""The one grader that verify and evaluate share: problems and samples in, verdicts out, equal answers decided once."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from tasks.domain.golds import with_each_gold
from tasks.domain.rewards import reward_for
from tasks.domain.rewards.base import Check, Decision, Executor, Opens, Reward, what_is_read
from tasks.domain.rewards.combined import gold_check
from tasks.domain.schema import Label, Problem, Sample, Verdict
from tasks.domain.settings import VerifySettings

DECISIVE: tuple[Label, ...] = ("correct", "verifier_error")  # of alternative golds, which verdict counts before others
MEMO_ENTRIES = 100_000  # about 50 MB of (gold, answer) decisions


@dataclass(frozen=True)
class BadGold:
    """A problem whose own gold is not accepted by its grader."""

    problem_id: str
    reason: str
    label: Label = field(default="wrong", compare=False)


@dataclass(frozen=True)
class Graded:
    """A verdict and, beside it, how long it took: seconds of extraction and, unless it was known, of the decision."""

    verdict: Verdict
    seconds: float


class Grader:
    """Grades with the reward that `settings` names. Usable from several threads and through `asyncio.to_thread`."""

    def __init__(
        self, settings: VerifySettings, executor: Executor | None = None, memo_entries: int = MEMO_ENTRIES
    ) -> None:
        """`executor` replaces the reward's own (code rewards get their container pool here)."""
        self.settings = settings
        self.reward: Reward = reward_for(settings)
        self.executor = executor or self.reward.executor(settings)
        self._memo = _Memo(memo_entries)

    @property
    def version(self) -> str:
        """Return the version, which is a part of the key of every verdict."""
        return f"{self.reward.name}-{self.reward.version}"

    def open(self) -> None:
        """UserError when what decides cannot be started here."""
        if isinstance(self.executor, Opens):
            self.executor.open()

    def reads(self, problem: Problem) -> Any:
        """Return what of a problem the reward's verdicts depend on."""
        one_by_one = self._alternatives(problem)
        if one_by_one == [problem]:
            return what_is_read(self.reward, problem)
        return [what_is_read(self.reward, one) for one in one_by_one]

    def grade(self, problem: Problem, text: str) -> Verdict:
        """The one-row form; `index` is 0."""
        return self.grade_texts([(problem, text)])[0].verdict

    def grade_many(self, pairs: Sequence[tuple[Problem, Sample]]) -> list[Verdict]:
        """One verdict per pair, in order. GraderUnavailable when no worker can be kept alive."""
        graded = self.grade_texts([(problem, sample.text) for problem, sample in pairs])
        return [replace(g.verdict, index=sample.index) for g, (_, sample) in zip(graded, pairs, strict=True)]

    def grade_texts(self, pairs: Sequence[tuple[Problem, str]]) -> list[Graded]:
        """Like `grade_many` for bare texts, with the seconds each decision took. Of alternative golds one must be met."""
        expanded = [(self._alternatives(problem), text) for problem, text in pairs]
        found = iter(self._grade_each([(one, text) for problems, text in expanded for one in problems]))
        return [best_of([next(found) for _ in problems]) for problems, _ in expanded]

    def _alternatives(self, problem: Problem) -> list[Problem]:
        """Rewards that compare answers see one gold at a time; others read what the data set holds."""
        return with_each_gold(problem) if self.reward.kind == "math" else [problem]

    def _grade_each(self, pairs: Sequence[tuple[Problem, str]]) -> list[Graded]:
        clock = [time.perf_counter()]
        checks = []
        for problem, text in pairs:
            checks.append(self.reward.prepare(problem, text))
            clock.append(time.perf_counter())
        results = self._decide(checks)
        spent = [after - before for before, after in pairwise(clock)]
        problems = [problem for problem, _ in pairs]
        return [self._graded(*row) for row in zip(problems, checks, results, spent, strict=True)]

    def check_gold(self, problems: Sequence[Problem]) -> list[BadGold]:
        """Problems whose gold does not parse or fails its own grader, with the reason; of alternatives one must pass."""
        expanded = [self._alternatives(problem) for problem in problems]
        results = self._decide([gold_check(self.reward, one) for each in expanded for one in each])
        judged = iter([_with_threshold(result, self.settings.threshold) for result in results])
        first = [_best_decision([next(judged) for _ in each]) for each in expanded]
        bad = [(p.id, r) for p, r in zip(problems, first, strict=True) if r.label != "correct"]
        return [
            BadGold(name, f"graded {r.label} against itself ({r.evidence.get('rule')})", r.label) for name, r in bad
        ]

    def close(self) -> None:
        self.executor.close()

    def _decide(self, checks: Sequence[Check]) -> list[Decision]:
        """Decisions in order; each key goes to the executor at most once."""
        results: list[Decision | None] = [check.decided or self._memo.get(check.key) for check in checks]
        first: dict[str, int] = {}
        asked = [
            number
            for number, check in enumerate(checks)
            if results[number] is None and (check.key is None or first.setdefault(check.key, number) == number)
        ]
        for number, decision in zip(asked, self.executor.run_many([checks[n] for n in asked]), strict=True):
            results[number] = decision
            self._memo.put(checks[number].key, decision)
        return [result or results[first[check.key or ""]] for check, result in zip(checks, results, strict=True)]  # type: ignore[misc]

    def _graded(self, problem: Problem, check: Check, result: Decision, prepared_s: float) -> Graded:
        verdict = self.reward.judge(problem, _with_threshold(result, self.settings.threshold))
        return Graded(replace(verdict, evidence={**check.evidence, **verdict.evidence}), prepared_s + result.seconds)


def best_of(alternatives: Sequence[Graded]) -> Graded:
    """Return the first correct one, else one that could not be decided, else the first; the seconds are those of all."""
    best = alternatives[_best([one.verdict.label for one in alternatives])]
    return replace(best, seconds=sum(one.seconds for one in alternatives))


def _best_decision(alternatives: Sequence[Decision]) -> Decision:
    return alternatives[_best([one.label for one in alternatives])]


def _best(labels: Sequence[Label]) -> int:
    return next((labels.index(wanted) for wanted in DECISIVE if wanted in labels), 0)


def _with_threshold(result: Decision, threshold: float) -> Decision:
    """A graded reward of at least the threshold is accepted; where only a whole 1 is, nothing changes."""
    if threshold >= 1.0 or result.reward is None or result.label in ("correct", "verifier_error"):
        return result
    if result.reward < threshold:
        return result
    return replace(result, label="correct", evidence={**result.evidence, "threshold": threshold})


class _Memo:
    """Decisions by key, the least recently used forgotten first. Faults of the grader are not remembered."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._known: OrderedDict[str, Decision] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str | None) -> Decision | None:
        if key is None:
            return None
        with self._lock:
            decision = self._known.get(key)
            if decision is not None:
                self._known.move_to_end(key)
            return decision

    def put(self, key: str | None, decision: Decision) -> None:
        if key is None or decision.label == "verifier_error" or not self._entries:
            return
        with self._lock:
            self._known[key] = replace(decision, seconds=0.0)
            self._known.move_to_end(key)
            while len(self._known) > self._entries:
                self._known.popitem(last=False)


_shared: dict[tuple[int, str], Grader] = {}
_shared_lock = threading.Lock()


def grader_for(settings: VerifySettings) -> Grader:
    """Return the process's grader for these settings, made at the first call and closed at exit."""
    key = (os.getpid(), settings.model_dump_json())
    with _shared_lock:
        if key not in _shared:
            _shared[key] = Grader(settings)
            atexit.register(_shared[key].close)
        return _shared[key]
