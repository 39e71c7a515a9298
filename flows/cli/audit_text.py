"""Writes an audit as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flows.cli.text import columns
from flows.stored.audit.audit import Audited
from tasks.domain.audit import AuditSummary
from tasks.graders.table import side_by_side
from tasks.report.audit import TITLES, cells, rate_lines

MOST_ROWS = 20


def audit_text(found: Audited, page: Path | None, corrections: Path | None) -> str:
    """Return the audit as tables and sentences."""
    return "\n".join([*_lines(found.summary), *_next(found, page, corrections)])


def _lines(summary: AuditSummary) -> Iterator[str]:
    yield columns((cells(one) for one in summary.places), TITLES)
    yield f"\nsecond grader: {summary.second}"
    shown = summary.disagreements[:MOST_ROWS]
    if shown:
        yield f"\n{len(summary.disagreements)} samples of which the graders say different things, {len(shown)} shown"
        rows = [
            (f"{one.problem_id}/{one.index}", one.place, one.label, one.rule, one.gold, one.answer or one.text)
            for one in shown
        ]
        yield from side_by_side(("sample", "where", "graded", "by", "gold", "answer"), rows)
    yield from rate_lines(summary.rates)


def _next(found: Audited, page: Path | None, corrections: Path | None) -> Iterator[str]:
    if found.unknown_labels:
        yield f"{found.unknown_labels} labels are about samples that this run does not hold"
    if page is not None:
        yield f"label {len(found.to_label)} samples: open {page} in a browser, then restem audit {found.summary.run} --labels labels.jsonl"
    if corrections is not None:
        overruled = sum(one.against for one in found.said)
        yield f'{overruled} verdicts are overruled in {corrections}; name it in the config: data.corrections = "{corrections.name}"'
