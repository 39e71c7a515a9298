"""Lines of values with their intervals on axes in percent: by policy, by category, and the legend that never lies on the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from tasks.domain.run_result import RunResult
from tasks.domain.statistics import Interval
from tasks.report.svg import as_svg

SMALL = (3.7, 3.3)  # inches, of the pictures that stand side by side


@dataclass(frozen=True)
class Line:
    """A line is the points of one curve: x -> interval (shares, drawn in percent)."""

    label: str
    points: Mapping[float, Interval | None]
    colour: str
    style: str = "-"
    marker: str = "o"


def anything(lines: Sequence[Line]) -> bool:
    """Return whether some point or limit is not zero; a picture of zeros says less than the table."""
    points = (point for line in lines for point in line.points.values() if point is not None and not isnan(point.value))
    return any(point.value or point.high for point in points)


def by_policy(
    lines: Sequence[Line], result: RunResult, title: str, size: tuple[float, float], floor: float = -1.0
) -> str | None:
    lines = [line for line in lines if any(line.points.values())]
    if not anything(lines):
        return None

    def draw(axes: Any) -> None:
        for place, line in enumerate(lines):
            shift = (place - (len(lines) - 1) / 2) * 0.03
            draw_line(
                axes,
                Line(line.label, {x + shift: y for x, y in line.points.items()}, line.colour, line.style, line.marker),
            )
        numbers = [row.number for row in result.rows]
        shown = numbers if len(numbers) <= 12 else numbers[:: -(-len(numbers) // 12)]
        axes.set_xticks(shown, ["base" if n == 0 else str(n) for n in shown])
        axes.set_xlabel("policy (iteration that trained it)")
        finish(axes, title, outside=True, floor=floor)

    return as_svg(draw, size, title)


def by_category(lines: Sequence[Line], names: Sequence[str], below: str, title: str, salt: str) -> str | None:
    if not anything(lines):
        return None

    def draw(axes: Any) -> None:
        for line in lines:
            draw_line(axes, line)
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.grid(axis="x", visible=False)
        axes.set_xlabel(below)
        finish(axes, title)

    return as_svg(draw, SMALL, salt)


def draw_line(axes: Any, line: Line, band: bool = False) -> None:
    known = {x: i for x, i in line.points.items() if i is not None and not isnan(i.value)}
    x, y = list(known), [100 * i.value for i in known.values()]
    low, high = [100 * i.low for i in known.values()], [100 * i.high for i in known.values()]
    look = {"color": line.colour, "linestyle": line.style, "marker": line.marker, "label": line.label}
    if band:
        axes.plot(x, y, **look)
        axes.fill_between(x, low, high, color=line.colour, alpha=0.12, linewidth=0)
        return
    down, up = [v - a for v, a in zip(y, low, strict=True)], [b - v for v, b in zip(y, high, strict=True)]
    axes.errorbar(x, y, yerr=[down, up], capsize=2, elinewidth=1, **look)


def finish(axes: Any, title: str, outside: bool = False, floor: float = -1.0) -> None:
    """Format the y axis as percent between 0 and 100; with `floor` 0 it starts at zero."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    low, high = axes.get_ylim()
    axes.set_ylim(0 if floor == 0 else max(low, floor), min(high, 101))
    axes.set_title(title)
    if outside:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    else:
        legend(axes)


def legend(axes: Any) -> None:
    """Put the legend below the axes, never on the data."""
    axes.figure.legend(loc="outside lower center", ncols=3, fontsize=8, handlelength=1.6, columnspacing=1)
