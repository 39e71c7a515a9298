"""The results of a run, as records that survive a round trip through JSON; the report reads nothing else.

Outcomes of the samples of one problem are one short text, a character a sample in order of index: `1` correct, `0`
not, `?` unknown (verifier_error). All statistics of a policy can be computed again from them, paired with another
policy's by id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.domain.audit import AuditSummary
from tasks.domain.diversity import Diversity
from tasks.domain.json_record import JsonRecord, Real
from tasks.domain.schema import Label, Sample, Verdict
from tasks.domain.selection import SelectionStats
from tasks.domain.statistics import Floats, Interval

CELLS = {"1": 1.0, "0": 0.0, "?": float("nan")}


def outcome(label: Label) -> str:
    """Return a label as one character."""
    return {"correct": "1", "verifier_error": "?"}.get(label, "0")


def correct_matrix(outcomes: Iterable[str]) -> Floats:
    """Return outcome texts of equal length as an array, problems x samples, of 1, 0, NaN."""
    return np.array([[CELLS[c] for c in text] for text in outcomes], dtype=float)


@dataclass(frozen=True)
class Bounds:
    """A mean if every unknown sample were wrong (`low`), and if every unknown sample were right (`high`)."""

    low: Real
    high: Real


@dataclass(frozen=True)
class Tally(JsonRecord):
    """Counts over samples; adding those of disjoint sets gives that of both."""

    samples: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    truncated: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    hidden_tested: int = 0  # accepted programs of problems with held-back tests
    hidden_failed: int = 0  # of those: wrong all the same

    @classmethod
    def of(cls, samples: Iterable[Sample], verdicts: Iterable[Verdict]) -> Tally:
        samples, verdicts = list(samples), list(verdicts)
        hidden = Counter(v.evidence.get("hidden") for v in verdicts if v.label == "correct")
        return cls(
            samples=len(samples),
            labels=dict(sorted(Counter(v.label for v in verdicts).items())),
            truncated=sum(s.finish_reason == "length" for s in samples),
            prompt_tokens=sum(s.prompt_tokens for s in samples),
            completion_tokens=sum(s.completion_tokens for s in samples),
            hidden_tested=hidden["passed"] + hidden["failed"],
            hidden_failed=hidden["failed"],
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.samples + other.samples,
            dict(sorted((Counter(self.labels) + Counter(other.labels)).items())),
            self.truncated + other.truncated,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.hidden_tested + other.hidden_tested,
            self.hidden_failed + other.hidden_failed,
        )

    @property
    def format_failures(self) -> float:
        """Share of samples without an answer that could be read; NaN without samples."""
        return self._share(self.labels.get("unparseable", 0))

    @property
    def truncated_share(self) -> float:
        return self._share(self.truncated)

    @property
    def false_positives(self) -> float:
        """Return the share of the accepted programs that their held-back tests refuse; NaN without any."""
        return self.hidden_failed / self.hidden_tested if self.hidden_tested else float("nan")

    @property
    def verifier_errors(self) -> int:
        return self.labels.get("verifier_error", 0)

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def _share(self, count: int) -> float:
        return count / self.samples if self.samples else float("nan")


@dataclass(frozen=True)
class LevelScore:
    """Problems of one level; an Interval is None when nothing of that kind was sampled."""

    problems: int
    greedy: Interval | None = None
    sampled: Interval | None = None


@dataclass(frozen=True)
class ShownSample:
    """One sample for people to look at, shortened. All of its text may be hostile."""

    problem_id: str
    index: int
    label: str
    question: str
    gold: str
    text: str
    finish_reason: str
    evidence: str  # JSON
    decoding: str = "sampled"  # or "greedy"


@dataclass(frozen=True)
class PolicyScore(JsonRecord):
    """One policy on one set of problems. Shares are of known samples; `bounds` say what the unknown ones could change."""

    policy_digest: str
    policy_name: str
    split: str
    problems: int
    greedy: Interval | None = None  # pass@1, Wilson
    sampled: Interval | None = None  # pass@1, bootstrap over problems
    pass_at_k: Mapping[int, Interval] = field(default_factory=dict)
    maj_at_k: Mapping[int, Interval] = field(default_factory=dict)
    bounds: Mapping[str, Bounds] = field(
        default_factory=dict
    )  # "greedy", "sampled", "pass@4", "maj@4"; only where unknown
    greedy_tally: Tally = field(default_factory=Tally)
    sampled_tally: Tally = field(default_factory=Tally)
    by_level: Mapping[str, LevelScore] = field(default_factory=dict)
    greedy_outcomes: Mapping[str, str] = field(default_factory=dict)  # problem id -> one character
    sampled_outcomes: Mapping[str, str] = field(default_factory=dict)  # problem id -> a character a sample
    maj_values: Mapping[int, tuple[Real, ...]] = field(
        default_factory=dict
    )  # k -> maj@k in the order of sampled_outcomes
    shown: tuple[ShownSample, ...] = ()

    @property
    def format_failures(self) -> float:
        """Return the share over greedy and sampled completions together; NaN without any."""
        return self.tally.format_failures

    @property
    def verifier_errors(self) -> int:
        return self.tally.verifier_errors

    @property
    def tokens(self) -> int:
        return self.tally.tokens

    @property
    def tally(self) -> Tally:
        return self.greedy_tally + self.sampled_tally

    def sampled_means(self) -> dict[str, float]:
        """Share of correct samples by problem id, NaN where none is known."""
        return {name: share_correct(text) for name, text in self.sampled_outcomes.items()}


@dataclass(frozen=True)
class EpochScore(JsonRecord):
    """This record is the score of one checkpoint of the M-step on the val problems."""

    epoch: int
    val_reward: Interval
    chosen: bool = False
    train_loss: float | None = None
    policy_digest: str = ""
    unchanged: bool = False  # its weights are those that the training started from


def unchanged_warning(iteration: int, epochs: Sequence[EpochScore]) -> str:
    """Return a sentence about the epochs whose weights equal the start's, and whether one was kept; empty where none do."""
    same = [str(one.epoch) for one in epochs if one.unchanged]
    if not same:
        return ""
    which = f"epoch {same[0]}" if len(same) == 1 else f"epochs {', '.join(same)}"
    kept = "such an" if any(one.chosen and one.unchanged for one in epochs) else "another"
    return (
        f"the training of iteration {iteration} left the weights as they were in {which}, and {kept} epoch was kept; "
        "look at finetune.learning_rate and save_dtype"
    )


@dataclass(frozen=True)
class IterationResult(JsonRecord):
    """One turn of the loop. Number 0 is the base model: it has a test score and nothing else.

    The train figures of iteration i are those of the policy that was sampled, that of iteration i - 1; `test` and
    `val_reward` are of the policy that iteration i trained.
    """

    number: int
    policy_digest: str
    solve_rate: Interval | None = None  # train problems with a correct sample in the first wave
    train_accuracy: Interval | None = None  # sampled pass@1 on train problems, first wave
    train_problems: int = 0
    problems_solved: int = 0  # with a correct sample in any wave
    train: Tally = field(default_factory=Tally)
    selection: SelectionStats | None = None
    epochs: tuple[EpochScore, ...] = ()
    val_reward: Interval | None = None
    test: PolicyScore | None = None
    seconds: Mapping[str, Real] = field(default_factory=dict)  # by stage
    cached: Mapping[str, bool] = field(default_factory=dict)  # by stage
    refs: Mapping[str, str] = field(default_factory=dict)  # by stage: key or address of its artifact
    links: Mapping[str, str] = field(default_factory=dict)  # further addresses: logs, traces
    steps: int = 0  # optimizer steps of the training, all epochs together
    device_seconds: Mapping[str, Real] = field(
        default_factory=dict
    )  # by stage: seconds times devices, over all workers
    ended: str = ""  # when its last phase was really done, ISO 8601 with zone
    hinted: Tally = field(default_factory=Tally)  # second tries, read from the store for what a comparison spent
    diversity: Diversity | None = None  # of the first wave on train, drawn by the policy that was sampled
    transfer: Mapping[str, PolicyScore] = field(default_factory=dict)  # on the transfer sets by name
    readable: Mapping[str, str] = field(
        default_factory=dict
    )  # of the base: as sampled_outcomes, 1 where an answer could be read

    @property
    def kept_examples(self) -> int | None:
        return self.selection.kept if self.selection else None

    @property
    def rows_per_problem(self) -> Mapping[int, int]:
        return self.selection.rows_per_problem if self.selection else {}

    @property
    def tokens(self) -> int:
        """Return the prompt and completion tokens of the E-step and of the evaluations on test and transfer sets."""
        scores = [*([self.test] if self.test else []), *self.transfer.values()]
        return self.train.tokens + sum(score.tokens for score in scores)


@dataclass(frozen=True)
class Difference:
    """This record is the difference of a policy and the base on the same test problems."""

    number: int  # iteration
    metric: str  # "greedy", "sampled", "pass@4"
    interval: Interval


@dataclass(frozen=True)
class RunResult(JsonRecord):
    """A whole run. Times are ISO 8601 with zone; `config` is the resolved one."""

    name: str
    config: Mapping[str, Any]
    base: IterationResult
    iterations: tuple[IterationResult, ...] = ()
    status: str = "running"  # running, completed, stopped (stop rule), failed
    started: str = ""
    finished: str | None = None
    commit: str = ""
    hardware: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    audit: AuditSummary | None = None  # of `restem audit`, when it was asked for

    @property
    def rows(self) -> tuple[IterationResult, ...]:
        """Return the base's row, then every iteration's."""
        return (self.base, *self.iterations)


def share_correct(text: str) -> float:
    """Share of correct samples among the known ones of an outcome text; NaN where none is known."""
    known = [CELLS[c] for c in text if c != "?"]
    return sum(known) / len(known) if known else float("nan")
