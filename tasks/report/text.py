"""How figures and names are written in tables and pages: shares, differences, amounts, one line of plain text, a table in markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import isnan

from tasks.domain.statistics import Interval
from tasks.domain.visible import visible

NOTHING = "-"
MARKDOWN_BYTES = 100_000  # what the Prefect interface still shows fluently


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in GitHub's dialect, whose cells are markdown already."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [titles, ["---"] * len(titles), *rows])


def within_limit(text: str, limit: int = MARKDOWN_BYTES) -> str:
    """Return the text, cut at a line's end where it would be more than `limit` bytes."""
    if len(text.encode()) <= limit:
        return text
    note = "\n\n(cut here; the whole is in report.html and result.json)\n"
    head = text.encode()[: limit - len(note)].decode(errors="ignore")
    return head[: head.rfind("\n")] + note


def percent(share: float) -> str:
    """Return a share as percent with one digit; NaN is unknown."""
    return "unknown" if isnan(share) else f"{100 * share:.1f} %"


def points(interval: Interval) -> str:
    """Return a difference with its interval, in percentage points."""
    if isnan(interval.value):
        return "unknown"
    return f"{100 * interval.value:+.1f} [{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]"


def interval_lines(interval: Interval | None) -> list[str]:
    """Return a value and its limits in percent, a line each."""
    if interval is None:
        return [NOTHING]
    if isnan(interval.value):
        return ["unknown"]
    return [percent(interval.value), f"[{100 * interval.low:.1f}, {100 * interval.high:.1f}]"]


def amount(number: float) -> str:
    """Return 12,345 as 12.3k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return f"{number:.0f}"


def plain(text: object) -> str:
    """Return one line of text without markup for markdown or HTML, and without the passwords of addresses."""
    return re.sub(r"([\\`*_|<>\[\]#])", r"\\\1", re.sub(r"\s+", " ", visible(without_password(str(text)))))


def code(text: str) -> str:
    """Return one line in code type."""
    return "`" + re.sub(r"[\s`|]+", " ", visible(without_password(text))) + "`"


def without_password(text: str) -> str:
    """Return `scheme://user:password@host` without user and password."""
    return re.sub(r"(\w+://)[^/\s@\"']+@", r"\1", text)
