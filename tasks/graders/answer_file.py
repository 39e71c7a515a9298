"""Audit of the math grader on labelled answer pairs: how often it is right, where it is wrong, how fast it is."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.rewards.grader import Graded, Grader
from tasks.domain.schema import Problem
from tasks.domain.settings import VerifySettings
from tasks.graders.answers import WorkerPool

_TRUE = (1, True, "1", "true", "correct")
_FALSE = (0, False, "0", "false", "wrong", "incorrect")


@dataclass(frozen=True)
class AuditRow:
    """One row's verdict: label, evidence, seconds; `expected` is the label it came with, if any."""

    id: str
    label: str
    evidence: Mapping[str, Any]
    seconds: float
    expected: bool | None

    @property
    def accepted(self) -> bool:
        return self.label == "correct"


@dataclass(frozen=True)
class Seconds:
    """Quantiles of the seconds per row."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True)
class AuditReport:
    """`accuracy` is over the labelled rows, None without any; the lists hold row ids; timeouts counts all grader limits."""

    accuracy: float | None
    false_positives: list[str]
    false_negatives: list[str]
    pairs_per_second: float
    seconds: Seconds
    timeouts: int
    rows: list[AuditRow]

    def to_json(self) -> str:
        """One JSON object."""
        report = asdict(self)
        for row in report["rows"]:
            del row["expected"]
        return json.dumps(report, ensure_ascii=False)

    def to_text(self) -> str:
        """A few lines for a person."""
        labelled = sum(row.expected is not None for row in self.rows)
        wrong = len(self.false_positives) + len(self.false_negatives)
        share = "no labels" if self.accuracy is None else f"{self.accuracy:.4f} ({labelled - wrong} of {labelled})"
        milliseconds = [f"{name} {1000 * value:.2f} ms" for name, value in asdict(self.seconds).items()]
        return "\n".join(
            [
                f"accuracy         {share}",
                f"false positives  {len(self.false_positives)}  {' '.join(self.false_positives)}".rstrip(),
                f"false negatives  {len(self.false_negatives)}  {' '.join(self.false_negatives)}".rstrip(),
                f"speed            {self.pairs_per_second:.0f} pairs/s; per row {', '.join(milliseconds)}",
                f"timeouts         {self.timeouts}",
            ]
        )


def audit_math(path: str, settings: VerifySettings) -> AuditReport:
    """Grade a jsonl file of {"id", "gold", "pred", "question"?, "label"?}; UserError for a file that is not like that."""
    rows = read_rows(path)
    grader = Grader(settings)
    try:
        if isinstance(grader.executor, WorkerPool):
            grader.executor.warm()
        started = time.perf_counter()
        graded = grader.grade_texts([(_problem(row), row["pred"]) for row in rows])
        return _report(rows, graded, time.perf_counter() - started)
    finally:
        grader.close()


def read_rows(path: str) -> list[dict[str, Any]]:
    """The rows of the file, ids filled in from line numbers where they are missing."""
    if not Path(path).is_file():
        raise UserError(f"there is no file {path}; expected jsonl rows with gold and pred")
    with open(path, encoding="utf-8") as stream:
        rows = [_row(line, number, path) for number, line in enumerate(stream, 1) if line.strip()]
    if not rows:
        raise UserError(f"{path} has no rows; expected jsonl rows with gold and pred")
    return rows


def _row(line: str, number: int, path: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UserError(f"{path} line {number} is not JSON ({error}); expected one object a line") from error
    if not isinstance(row, dict) or "gold" not in row or "pred" not in row:
        raise UserError(
            f"{path} line {number} has no gold and pred; expected {{'id', 'gold', 'pred', 'question'?, 'label'?}}"
        )
    label = row.get("label")
    if label is not None and label not in _TRUE and label not in _FALSE:
        raise UserError(f"{path} line {number} has the label {label!r}; expected 1 or 0 (or correct, wrong)")
    expected = None if label is None else label in _TRUE
    texts = {name: str(row.get(name) if row.get(name) is not None else "") for name in ("gold", "pred", "question")}
    return {"id": str(row.get("id", number)), "expected": expected, **texts}


def _problem(row: Mapping[str, Any]) -> Problem:
    return Problem(row["id"], "audit", "test", "math", row["question"], gold=row["gold"])


def _report(rows: Sequence[Mapping[str, Any]], graded: Sequence[Graded], elapsed_s: float) -> AuditReport:
    found = [
        AuditRow(row["id"], one.verdict.label, one.verdict.evidence, one.seconds, row["expected"])
        for row, one in zip(rows, graded, strict=True)
    ]
    labelled = [row for row in found if row.expected is not None]
    seconds = sorted(row.seconds for row in found)
    return AuditReport(
        accuracy=sum(row.accepted == row.expected for row in labelled) / len(labelled) if labelled else None,
        false_positives=[row.id for row in labelled if row.accepted and not row.expected],
        false_negatives=[row.id for row in labelled if row.expected and not row.accepted],
        pairs_per_second=len(found) / elapsed_s,
        seconds=Seconds(_quantile(seconds, 0.5), _quantile(seconds, 0.99), seconds[-1]),
        timeouts=sum(row.evidence.get("rule") == "grader_limit" for row in found),
        rows=found,
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of the values do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
