"""Lays a table out as plain text: within a width where there is one, else one line a row, as programs in a pipe read it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GAP = "  "
NARROWEST = 20  # columns of a terminal; in a narrower one lines run over


@dataclass(frozen=True)
class Grid:
    """A head, and rows of cells; a cell is one or more short lines, which `joints` join where a row takes one line."""

    head: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], ...], ...]
    joints: tuple[str, ...]


def grid(head: Sequence[str], rows: Iterable[Sequence[object]], joints: Sequence[str] = ()) -> Grid:
    """Return a grid of any values; a tuple or a list of texts is a cell of several lines."""
    lines = (
        tuple(tuple(map(str, cell)) if isinstance(cell, tuple | list) else (str(cell),) for cell in row) for row in rows
    )
    return Grid(tuple(head), tuple(lines), tuple(joints) or (" ",) * len(head))


def laid_out(shown: Grid, width: int | None = None) -> str:
    """Return the table as text without padding at the ends of lines.

    Where it does not fit the width, cells take several lines; where that is not enough, the columns go on below, each block
    beginning with the first column.
    """
    flat = [
        shown.head,
        *([joint.join(cell) for joint, cell in zip(shown.joints, row, strict=True)] for row in shown.rows),
    ]
    widths = [max(len(row[at]) for row in flat) for at in range(len(shown.head))]
    if width is None or sum(widths) + len(GAP) * (len(widths) - 1) <= width:
        return "\n".join(_line(row, widths) for row in flat)
    width = max(width, NARROWEST)
    least = [_least(shown, at) for at in range(len(shown.head))]
    first = min(least[0], (width - len(GAP)) // 2)
    room = width - first - len(GAP)
    blocks = _packed([min(one, room) for one in least[1:]], room)
    return "\n\n".join(
        _block(shown, [0, *(at + 1 for at in block)], [first, *(min(least[at + 1], room) for at in block)])
        for block in blocks
    )


def wrapped(text: str, width: int | None) -> str:
    """Return a paragraph in lines of at most `width`; None: on one line."""
    return text if width is None else "\n".join(textwrap.wrap(text, max(width, NARROWEST), break_on_hyphens=False))


def _least(shown: Grid, at: int) -> int:
    """Return the width that a column needs when its head breaks at spaces and its cells at their lines."""
    words = shown.head[at].split() or [""]
    return max(len(text) for text in (*words, *(line for row in shown.rows for line in row[at])))


def _packed(widths: Sequence[int], room: int) -> list[list[int]]:
    """Return which columns stand side by side, in their order."""
    blocks, left = list[list[int]](), -1
    for at, width in enumerate(widths):
        if left < width:
            blocks.append([])
            left = room
        blocks[-1].append(at)
        left -= width + len(GAP)
    return blocks or [[]]


def _block(shown: Grid, columns: Sequence[int], widths: Sequence[int]) -> str:
    whole = (tuple((title,) for title in shown.head), *shown.rows)
    return "\n".join(line for row in whole for line in _lines([row[at] for at in columns], widths))


def _lines(row: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    cells = [
        [part for line in cell for part in (textwrap.wrap(line, width) or [""])]
        for cell, width in zip(row, widths, strict=True)
    ]
    deepest = max(map(len, cells))
    return [_line([cell[at] if at < len(cell) else "" for cell in cells], widths) for at in range(deepest)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
