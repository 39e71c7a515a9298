"""A reward on a file of rows: how often it is right, where it is wrong, how fast it is (`restem grade NAME FILE`).

A row for `math` is `{"id"?, "gold", "pred", "question"?, "label"?}`, for any other reward `{"id"?, "text", "question"?, "gold"?,
"tests"?, "level"?, "meta"?, "label"?}`. A list of mathematical golds are alternatives: one of them must be met.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.rewards.base import Opens
from tasks.domain.rewards.grader import Graded, Grader, best_of
from tasks.domain.schema import Problem
from tasks.domain.settings import MATH_REWARDS, VerifySettings
from tasks.graders.answers import WorkerPool
from tasks.graders.rows import Line, expected_label, read_lines, refuse_other_names
from tasks.graders.table import side_by_side

PAIRS = ("id", "gold", "pred", "question", "label")
PROBLEMS = ("id", "question", "gold", "tests", "level", "meta", "text", "label")
STEP = 256  # rows between two words of progress; what is graded stays when the rest is interrupted
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class AuditRow:
    """One row's verdict: label, evidence, seconds; `expected` is the row's own label, if any.

    `gold_fault` says why the row's gold cannot be read, so that no answer could have been accepted.
    """

    id: str
    label: str
    evidence: Mapping[str, Any]
    seconds: float
    expected: bool | None
    reward: float | None = None
    gold_fault: str | None = None
    gold: str = field(default="", repr=False)
    text: str = field(default="", repr=False)

    @property
    def accepted(self) -> bool:
        return self.label == "correct"

    @property
    def failing(self) -> bool:
        """Return whether the verdict contradicts the row's label or, without a label, whether it is undecided."""
        if self.expected is None:
            return self.label == "verifier_error"
        return self.accepted != self.expected


@dataclass(frozen=True)
class Seconds:
    """These are the quantiles of the seconds per row."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True)
class AuditReport:
    """`accuracy` is over the labelled rows, None without any; the lists hold row ids; timeouts counts all grader limits.

    `missing` counts rows that an interruption left ungraded.
    """

    accuracy: float | None
    false_positives: list[str]
    false_negatives: list[str]
    gold_faults: list[str]
    counts: Mapping[str, int]
    pairs_per_second: float
    seconds: Seconds
    timeouts: int
    rows: list[AuditRow]
    missing: int = 0

    def to_json(self) -> str:
        """One JSON object."""
        report = asdict(self)
        for row in report["rows"]:
            del row["gold"], row["text"]
        return json.dumps(report, ensure_ascii=False)

    def to_text(self) -> str:
        """Return the failing rows, gold beside answer, and the totals."""
        labelled = sum(row.expected is not None for row in self.rows)
        wrong = len(self.false_positives) + len(self.false_negatives)
        share = "no labels" if self.accuracy is None else f"{self.accuracy:.4f} ({labelled - wrong} of {labelled})"
        milliseconds = [f"{name} {1000 * value:.2f} ms" for name, value in asdict(self.seconds).items()]
        lines = [
            f"labels           {', '.join(f'{label} {count}' for label, count in sorted(self.counts.items()))}",
            f"accuracy         {share}",
            f"false positives  {len(self.false_positives)}  {' '.join(self.false_positives)}".rstrip(),
            f"false negatives  {len(self.false_negatives)}  {' '.join(self.false_negatives)}".rstrip(),
            f"unreadable golds {len(self.gold_faults)}  {' '.join(self.gold_faults)}".rstrip(),
            f"speed            {self.pairs_per_second:.0f} pairs/s; per row {', '.join(milliseconds)}",
            f"timeouts         {self.timeouts}",
        ]
        if self.missing:
            lines.append(f"not graded       {self.missing}")
        return "\n".join([*self._failing(), *lines])

    def _failing(self) -> list[str]:
        cells = [
            (row.id, "accepted" if row.accepted else row.label, _word(row.expected), row.gold,
             str(row.evidence.get("answer", row.text)), row.gold_fault or _reason(row.evidence))
            for row in self.rows if row.failing or row.gold_fault
        ]  # fmt: skip
        return side_by_side(("id", "graded", "labelled", "gold", "answer", "because"), cells)


@dataclass(frozen=True)
class _Row:
    id: str
    problems: list[Problem]  # one for each alternative gold
    text: str
    expected: bool | None


def audit_math(path: str, settings: VerifySettings) -> AuditReport:
    """Grade a jsonl file of {"id", "gold", "pred", "question"?, "label"?}; UserError for a file that is not like that."""
    return audit_file(path, settings)


def audit_file(
    path: str, settings: VerifySettings, encoding: str | None = None, progress: Progress = lambda done, of: None
) -> AuditReport:
    """Grade every row with the reward of the settings. UserError for a file of another form.

    An interruption (Ctrl-C) ends the grading; the report then holds what was graded.
    """
    read = _pair if settings.reward in MATH_REWARDS else _problem
    wanted = "jsonl rows with gold and pred" if read is _pair else "jsonl rows with text"
    rows = [read(line, path) for line in read_lines(path, wanted, encoding)]
    grader = Grader(settings)
    try:
        _warm(grader)
        faults = _gold_faults(grader, rows)
        started = time.perf_counter()
        found = [_row(row, one, faults) for row, one in zip(rows, _graded(grader, rows, progress), strict=False)]
        return _report(found, len(rows), time.perf_counter() - started)
    finally:
        grader.close()


def _warm(grader: Grader) -> None:
    if isinstance(grader.executor, WorkerPool):
        grader.executor.warm()
    elif isinstance(grader.executor, Opens):
        grader.executor.open()


def _graded(grader: Grader, rows: Sequence[_Row], progress: Progress) -> list[Graded]:
    done: list[Graded] = []
    try:
        for first in range(0, len(rows), STEP):
            some = rows[first : first + STEP]
            pairs = iter(grader.grade_texts([(problem, row.text) for row in some for problem in row.problems]))
            done += [best_of([next(pairs) for _ in row.problems]) for row in some]
            progress(len(done), len(rows))
    except KeyboardInterrupt:
        if not done:
            raise
    return done


def _gold_faults(grader: Grader, rows: Iterable[_Row]) -> dict[str, str]:
    """Reason by the problem's id, of rows without one gold that can be read."""
    problems = [problem for row in rows for problem in row.problems]
    bad = {one.problem_id: one.reason for one in grader.check_gold(problems)}
    return {row.id: bad[row.problems[0].id] for row in rows if all(problem.id in bad for problem in row.problems)}


def _row(row: _Row, graded: Graded, faults: Mapping[str, str]) -> AuditRow:
    verdict, fault = graded.verdict, faults.get(row.id)
    shown = " | ".join(problem.gold or "" for problem in row.problems)
    return AuditRow(
        row.id, verdict.label, verdict.evidence, graded.seconds, row.expected, verdict.reward,
        None if fault is None else f"the gold cannot be read: {fault}", shown, row.text,
    )  # fmt: skip


def _pair(line: Line, path: str) -> _Row:
    """A gold and an answer."""
    where, row = _object(line, path, PAIRS)
    if "gold" not in row or "pred" not in row:
        raise UserError(f"{where} has no gold and pred; expected {{'id', 'gold', 'pred', 'question'?, 'label'?}}")
    name = str(row.get("id", line.number))
    question = _text(row, "question", where)
    given = row["gold"] if isinstance(row["gold"], list) else [row["gold"]]
    golds = [_text({"gold": one}, "gold", where) for one in given] or [""]
    problems = [
        Problem(name if len(golds) == 1 else f"{name}#{number}", "audit", "test", "math", question, gold=gold)
        for number, gold in enumerate(golds)
    ]
    return _Row(name, problems, _text(row, "pred", where), expected_label(row.get("label"), where))


def _problem(line: Line, path: str) -> _Row:
    """Return a problem with a completion; the reward may read any field of it."""
    where, row = _object(line, path, PROBLEMS)
    if not isinstance(row.get("text"), str):
        raise UserError(f"{where} has no text to grade; expected {{'id'?, 'text', 'question'?, 'gold'?, 'label'?}}")
    meta = row.get("meta") or {}
    if not isinstance(meta, dict):
        raise UserError(f"{where}: meta is a {type(meta).__name__}, expected an object")
    name = str(row.get("id", line.number))
    problem = Problem(
        name, "audit", "test", "math" if row.get("tests") is None else "code", _text(row, "question", where),
        _plain(row.get("gold")), _plain(row.get("tests")), _plain(row.get("level")), meta,
    )  # fmt: skip
    return _Row(name, [problem], row["text"], expected_label(row.get("label"), where))


def _object(line: Line, path: str, known: Sequence[str]) -> tuple[str, Mapping[str, Any]]:
    where = f"{path} line {line.number}"
    if not isinstance(line.value, dict):
        raise UserError(f"{where} is a JSON {type(line.value).__name__}; expected one object a line")
    refuse_other_names(line.value, known, where)
    return where, line.value


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UserError(f"{where}: {name} is a JSON {type(value).__name__}; expected a text or a number")
    return str(value)


def _plain(value: Any) -> str | None:
    """Return text as it is, and anything else as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _reason(evidence: Mapping[str, Any]) -> str:
    return " ".join(str(evidence[name]) for name in ("rule", "limit", "detail") if name in evidence)


def _word(expected: bool | None) -> str:
    return "-" if expected is None else "right" if expected else "wrong"


def _report(found: list[AuditRow], all_rows: int, elapsed_s: float) -> AuditReport:
    labelled = [row for row in found if row.expected is not None]
    seconds = sorted(row.seconds for row in found)
    return AuditReport(
        accuracy=sum(row.accepted == row.expected for row in labelled) / len(labelled) if labelled else None,
        false_positives=[row.id for row in labelled if row.accepted and not row.expected],
        false_negatives=[row.id for row in labelled if row.expected and not row.accepted],
        gold_faults=[row.id for row in found if row.gold_fault],
        counts=dict(Counter(row.label for row in found)),
        pairs_per_second=len(found) / elapsed_s,
        seconds=Seconds(_quantile(seconds, 0.5), _quantile(seconds, 0.99), seconds[-1]),
        timeouts=sum(row.evidence.get("rule") == "grader_limit" for row in found),
        rows=found,
        missing=all_rows - len(found),
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
