"""report.html: one file with everything in it, readable in light and dark, from a file or from a bucket.

It holds no script, and its content policy forbids scripts and all network access: completions are hostile text, and a page
that cannot run anything stays harmless even if an escape were missed. Everything that is not our own markup is escaped.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

from tasks.domain.run_result import IterationResult, RunResult, ShownSample
from tasks.domain.schema import LABELS
from tasks.report.analyses import run_analyses
from tasks.report.audit import audit_section
from tasks.report.figures import drawn
from tasks.report.html import safe
from tasks.report.section import as_html
from tasks.report.tables import (
    addresses,
    blocks,
    choice,
    difference_tables,
    estimate,
    headline,
    policy_name,
    reading,
    totals_shown,
    unknowns,
)
from tasks.report.text import NOTHING, interval_lines, percent, points

TEMPLATE = Path(__file__).with_name("page.html")


def write_html(result: RunResult, path: str | os.PathLike[str], viewer: str = "") -> Path:
    """Write the page of a run, finished or not, and make missing folders. The file appears complete or not at all. `viewer` is the
    address of the run in a viewer, where one is known."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_text(render_html(result, viewer), encoding="utf-8")
    draft.replace(target)
    return target


def render_html(result: RunResult, viewer: str = "") -> str:
    """Return the page as text, with a link to the run in a viewer, or else the command that starts one."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        title=safe(result.name),
        status=safe(result.status),
        when=_when(result),
        headline=safe(headline(result)),
        tiles=_tiles(result),
        totals=_totals(result),
        tables=_blocks(result),
        reading=safe(reading(result)),
        unknowns=_paragraphs([choice(result), *unknowns(result).splitlines(), *result.notes]),
        figures=_figures(result),
        differences=_differences(result),
        analyses="".join(map(as_html, run_analyses(result))),
        audit=audit_section(result.audit),
        samples=_samples(result),
        all_samples=_all_samples(result, viewer),
        artifacts=_artifacts(result),
        config=safe(json.dumps(dict(result.config), indent=2, ensure_ascii=False, default=str)),
        versions=safe(
            "\n".join([result.hardware, *(f"{name} {version}" for name, version in sorted(result.versions.items()))])
        ),
    )


def _when(result: RunResult) -> str:
    parts = [
        f"started {result.started}" if result.started else "",
        f"finished {result.finished}" if result.finished else "",
    ]
    parts += [f"commit {result.commit[:12]}" if result.commit else "", result.hardware]
    return safe(" · ".join(part for part in parts if part))


def _tiles(result: RunResult) -> str:
    """Return the main figures, from base to last policy."""
    rows = [row for row in result.rows if row.test]
    if not rows:
        return ""
    k = max(rows[-1].test.pass_at_k, default=1) if rows[-1].test else 1
    names = ("greedy", "sampled", f"pass@{k}", f"maj@{k}")
    steps = {name: (estimate(rows[0], name), estimate(rows[-1], name)) for name in names}
    gains = {d.metric: points(d.interval) for d in result.differences if d.number == rows[-1].number}
    return "".join(
        _tile(
            name if "@" in name else f"{name} pass@1", f"{percent(a.value)} → {percent(b.value)}", gains.get(name, "")
        )
        for name, (a, b) in steps.items()
        if a and b
    )


def _blocks(result: RunResult) -> str:
    """Return the run's tables, each under its title."""
    return "".join(
        f'<h2>{safe(block.title)}</h2><div class="scroll">{_table(block.titles, block.grid(result).rows)}</div>'
        for block in blocks(result)
    )


def _totals(result: RunResult) -> str:
    return "".join(
        f'<div class="tile"><span class="muted">{safe(_alone(name))}</span><b>{safe(figure)}</b></div>'
        for name, figure in totals_shown(result).items()
    )


def _alone(name: str) -> str:
    """Return the name of an amount without the word that joins both in a sentence."""
    return name.removeprefix("of ")


def _tile(title: str, figure: str, gain: str) -> str:
    paired = f'<span class="muted">{safe(gain)} points, paired</span>' if gain else ""
    return f'<div class="tile"><span class="muted">{safe(title)}, base → last</span><b>{safe(figure)}</b>{paired}</div>'


def _table(titles: Sequence[str], rows: Iterable[Sequence[Sequence[str]]], kind: str = "") -> str:
    """Return a table, whose cells hold lines of plain text."""
    head = "".join(f"<th>{safe(title)}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{_lines(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _lines(cell: Sequence[str]) -> str:
    return "".join(f"<span{' class=limits' if line.startswith('[') else ''}>{safe(line)}</span>" for line in cell)


def _paragraphs(lines: Iterable[str]) -> str:
    """Return paragraphs, in which lines that begin with a dash are points of a list."""
    marked = [
        f"<li>{safe(line[2:])}</li>" if line.startswith("- ") else f"<p>{safe(line)}</p>" for line in lines if line
    ]
    return f'<div class="muted">{"".join(marked)}</div>' if marked else ""


def _figures(result: RunResult) -> str:
    return "".join(_figure(one.svg, one.figure.caption, one.figure.wide) for one in drawn(result))


def _figure(svg: str, caption: str, wide: bool) -> str:
    return f"<figure{' class=wide' if wide else ''}>{svg}<figcaption>{safe(caption)}</figcaption></figure>"


def _differences(result: RunResult) -> str:
    """Return paired differences to the base, and scores by level."""
    tables = [
        _table(head, ([[cell] for cell in row] for row in rows)) for head, rows in difference_tables(result.differences)
    ]
    parts = ["<h2>Paired difference to the base, in points</h2>"] if tables else []
    parts += [f'<div class="scroll">{one}</div>' for one in tables]
    if levels := _levels(result):
        parts += ["<h2>By level</h2>", f'<div class="scroll">{levels}</div>']
    return "".join(parts)


def _levels(result: RunResult) -> str:
    """Return one row per level, base and last policy side by side."""
    scored = [(policy_name(row), row.test.by_level) for row in (result.base, *result.iterations[-1:]) if row.test]
    if not scored or not scored[0][1]:
        return ""
    titles = [f"{kind} pass@1, {name}" for kind in ("greedy", "sampled") for name, _ in scored]
    rows = [
        [
            [level],
            [str(first.problems)],
            *(interval_lines(at[level].greedy if level in at else None) for _, at in scored),
            *(interval_lines(at[level].sampled if level in at else None) for _, at in scored),
        ]
        for level, first in scored[0][1].items()
    ]
    return _table(["level", "problems", *titles], rows)


def _all_samples(result: RunResult, viewer: str) -> str:
    store = str(result.config.get("run", {}).get("store", ""))
    command = shlex.join(["restem", "view", *([store] if store else [])])
    there = (
        f'<a href="{safe(viewer)}" rel="noreferrer">this run in the viewer</a>'
        if viewer
        else f"<code>{safe(command)}</code>"
    )
    return f"All of them, with search and other runs beside them: {there}."


def _samples(result: RunResult) -> str:
    """Return samples of the last policies and the base; those of all policies of a long run would make the page heavy."""
    rows = [row for row in result.rows if row.test and row.test.shown]
    blocks = [_samples_of(row) for row in (rows[:-4:-1] + rows[:1] if len(rows) > 3 else rows[::-1])]
    return "".join(blocks) or f"<p>{NOTHING}</p>"


def _samples_of(row: IterationResult) -> str:
    assert row.test is not None
    groups = [(label, [s for s in row.test.shown if s.label == label]) for label in LABELS]
    inner = "".join(
        f'<details><summary class="{label}">{label.replace("_", " ")} ({len(shown)})</summary>{"".join(map(_sample, shown))}</details>'
        for label, shown in groups
        if shown
    )
    return f"<details><summary>{safe(policy_name(row))}</summary>{inner}</details>"


def _sample(shown: ShownSample) -> str:
    head = f"{shown.problem_id} / {shown.index}, {shown.decoding}, ended by {shown.finish_reason}"
    parts = {"Question": shown.question, "Expected": shown.gold, "Completion": shown.text, "Evidence": shown.evidence}
    body = "".join(f'<span class="muted">{name}</span><pre>{safe(text)}</pre>' for name, text in parts.items())
    return f'<div class="sample"><p><span class="label">{safe(head)}</span></p>{body}</div>'


def _artifacts(result: RunResult) -> str:
    rows = [
        f"<tr><td>{safe(policy_name(row))}</td><td>{safe(name)}</td><td>{_address(address)}</td></tr>"
        for row in result.rows
        for name, address in addresses(row).items()
    ]
    return f'<table class="words"><tbody>{"".join(rows)}</tbody></table>' if rows else f"<p>{NOTHING}</p>"


def _address(address: str) -> str:
    """Return an address, as a link only if it is a web address: other schemes open nothing from a page, or something unwanted."""
    text = f"<code>{safe(address)}</code>"
    return f'<a href="{safe(address)}" rel="noreferrer">{text}</a>' if re.match(r"https?://", address) else text
