"""Rows in columns for a terminal. What a model wrote is shown on one line, shortened, without control characters."""

from __future__ import annotations

from collections.abc import Sequence

WIDEST = 44  # characters of a cell


def side_by_side(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a heading and a line for each row, then an empty line; nothing without rows."""
    if not rows:
        return []
    cells = [tuple(names), *[tuple(_cell(cell) for cell in row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return [*lines, ""]


def _cell(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text).split())
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 3]}..."
