"""The section of a run's page about what its verdicts are worth, from the last `restem audit`."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.domain.audit import AuditPlace, AuditSummary, Disagreement, Rates
from tasks.domain.equivalence.proofs import WAYS
from tasks.domain.statistics import Interval, wilson
from tasks.report.html import safe

MOST_ROWS = 30
MOST_RULES = 4
TITLES = ("where", "samples", "accepted", "second grader disagrees", "of these accepted here only", "hidden tests failed",
          "false equations", "accepted by", "proof")  # fmt: skip


def audit_section(audit: AuditSummary | None) -> str:
    """Return the section as HTML; empty for a run that was not audited."""
    if audit is None:
        return ""
    head = "".join(f"<th>{safe(title)}</th>" for title in TITLES)
    body = "".join("<tr>" + "".join(f"<td>{safe(cell)}</td>" for cell in cells(one)) + "</tr>" for one in audit.places)
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    rates = "".join(f"<p>{safe(line)}</p>" for line in rate_lines(audit.rates))
    return f"<h2>Audit of the verdicts</h2><p>Second grader: {safe(audit.second)}.</p>{table}{rates}{_rows(audit)}"


def cells(place: AuditPlace) -> tuple[str, ...]:
    """Return a line of the table, as text."""
    total = max(1, place.accepted)
    rules = sorted(place.rules.items(), key=lambda item: (-item[1], item[0]))[:MOST_RULES]
    return (
        place.name, str(place.samples), str(place.accepted), _share(place.disagreed, place.compared),
        f"{place.only_ours}" if place.compared else "-", _share(place.hidden_failed, place.hidden_tested),
        _share(place.false_equations, place.accepted), ", ".join(f"{rule} {count / total:.0%}" for rule, count in rules), _proofs(place),
    )  # fmt: skip


def _proofs(place: AuditPlace) -> str:
    """The shares of the ways of proof; `sampled` are the answers that only agree at many points."""
    total = max(1, sum(place.proofs.values()))
    return ", ".join(f"{way} {place.proofs[way] / total:.1%}" for way in WAYS if way in place.proofs) or "-"


def rate_lines(rates: Rates | None) -> Iterator[str]:
    """Return what people said, one sentence per line."""
    if rates is None:
        return
    yield (f"False accepts: {rates.accepted_wrongly} of {rates.accepted} labelled accepted samples, "
           f"{_interval(rates.false_accept)}")  # fmt: skip
    yield (f"False rejects: {rates.refused_wrongly} of {rates.refused} labelled refused samples, "
           f"{_interval(rates.false_reject)}")  # fmt: skip
    if rates.unsure:
        yield f"{rates.unsure} labels are unsure and count in neither."


def _rows(audit: AuditSummary) -> str:
    shown = audit.disagreements[:MOST_ROWS]
    if not shown:
        return ""
    listed = "".join(_row(one) for one in shown)
    return f"<details><summary>{len(audit.disagreements)} samples of which the graders say different things, {len(shown)} shown</summary>{listed}</details>"


def _row(one: Disagreement) -> str:
    title = f"{one.place} · {one.problem_id}/{one.index} · {one.label} by {one.rule} · gold {one.gold} · answer {one.answer}"
    return f"<details><summary>{safe(title)}</summary><pre>{safe(one.text)}</pre></details>"


def _share(count: int, of: int) -> str:
    return f"{count} of {of}, {_interval(wilson(count, of))}" if of else "-"


def _interval(found: Interval) -> str:
    return str(found)
