"""A titled table of a report, written once and shown as markdown or as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.report.html import safe
from tasks.report.text import markdown_table, plain


@dataclass(frozen=True)
class Section:
    """A title, a table of plain texts, and a few sentences that say how to read it."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    reading: str = ""


def section(title: str, head: Sequence[str], rows: Iterable[Sequence[object]], reading: str = "") -> Section:
    """Make a section of any values, which become text."""
    return Section(title, tuple(head), tuple(tuple(map(str, row)) for row in rows), reading)


def as_markdown(shown: Section) -> str:
    """Return the section under a heading of the second level."""
    parts = [f"## {plain(shown.title)}"]
    if shown.rows:
        parts.append(markdown_table(list(map(plain, shown.head)), [list(map(plain, row)) for row in shown.rows]))
    return "\n\n".join([*parts, *([plain(shown.reading)] if shown.reading else [])])


def as_html(shown: Section) -> str:
    """Return the section as HTML; every text is escaped."""
    head = "".join(f"<th>{safe(title)}</th>" for title in shown.head)
    body = "".join("<tr>" + "".join(f"<td>{safe(cell)}</td>" for cell in row) + "</tr>" for row in shown.rows)
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    reading = f'<p class="muted">{safe(shown.reading)}</p>' if shown.reading else ""
    return f"<h2>{safe(shown.title)}</h2>{table if shown.rows else ''}{reading}"
