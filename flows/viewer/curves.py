"""Curves and bars as inline SVG whose colours are classes of the style sheet: a page's policy forbids styles in attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isnan

from markupsafe import Markup, escape

from flows.viewer.queries import Bar, Filter, within
from tasks.domain.schema import LABELS
from tasks.domain.statistics import Interval

WIDTH, HEIGHT, LEFT, BELOW, ABOVE = 720, 240, 48, 30, 10


@dataclass(frozen=True)
class Curve:
    """One line: points by iteration, as shares. `colour` is 1 to 6; dashed lines are of another measure than full ones."""

    label: str
    points: Mapping[int, Interval]
    colour: int
    dashed: bool = False


def curves(lines: Sequence[Curve], title: str) -> Markup:
    """Return the curves over iterations with their intervals; empty when there is nothing but zeros to show."""
    known = [(x, p) for line in lines for x, p in line.points.items() if not isnan(p.value)]
    if not known or not any(point.high for _, point in known):
        return Markup("")
    low = floor(10 * min(p.low for _, p in known)) / 10
    high = max(low + 0.1, ceil(10 * max(p.high for _, p in known)) / 10)
    last = max(1, max(x for x, _ in known))

    def place(x: float, y: float) -> tuple[float, float]:
        right, up = (WIDTH - LEFT - 40) * x / last, (HEIGHT - BELOW - ABOVE) * (y - low) / (high - low)
        return round(LEFT + 14 + right, 1), round(HEIGHT - BELOW - up, 1)

    parts = [_grid(low, high, last, place)]
    for number, line in enumerate(lines):
        points = [(x + 0.02 * last * (number - (len(lines) - 1) / 2) / max(1, len(lines)), p)
                  for x, p in sorted(line.points.items()) if not isnan(p.value)]  # fmt: skip
        kind = f"line c{line.colour}{' dashed' if line.dashed else ''}"
        spots = [place(x, p.value) for x, p in points]
        parts.append(f'<polyline class="{kind}" points="{" ".join(f"{x},{y}" for x, y in spots)}"/>')
        for (x, p), (at, y) in zip(points, spots, strict=True):
            top, bottom = place(x, p.high)[1], place(x, p.low)[1]
            parts.append(f'<line class="{kind} thin" x1="{at}" x2="{at}" y1="{top}" y2="{bottom}"/>')
            parts.append(f'<circle class="c{line.colour} dot" cx="{at}" cy="{y}" r="3.5"/>')
    return _svg(parts, title)


def histogram(bars: Sequence[Bar], wanted: Filter, title: str) -> Markup:
    """Return the bars, stacked by label; each opens its samples."""
    most = max((bar.total for bar in bars), default=0)
    if not most:
        return Markup("")
    width = (WIDTH - LEFT - 12) / len(bars)
    parts = [f'<text class="tick" x="{LEFT - 6}" y="{ABOVE + 9}" text-anchor="end">{most:,}</text>',
             f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 12}" y1="{HEIGHT - BELOW}" y2="{HEIGHT - BELOW}"/>']  # fmt: skip
    for number, bar in enumerate(bars):
        left = round(LEFT + number * width + 1, 1)
        address = escape(within(wanted, bar).address())
        parts.append(f'<a href="{address}"><title>{bar.least} to {bar.most} tokens: {bar.total:,} samples</title>')
        parts.append(
            f'<rect class="ground" x="{left}" y="{ABOVE}" width="{width - 2:.1f}" height="{HEIGHT - BELOW - ABOVE}"/>'
        )
        below = float(HEIGHT - BELOW)
        for label in (*LABELS, "not graded"):
            high = (HEIGHT - BELOW - ABOVE) * bar.labels.get(label, 0) / most
            below -= high
            name = label.replace(" ", "_")
            parts.append(
                f'<rect class="bar {name}" x="{left}" y="{below:.1f}" width="{width - 2:.1f}" height="{high:.1f}"/>'
            )
        parts.append("</a>")
        if number % max(1, len(bars) // 8) == 0:
            parts.append(f'<text class="tick" x="{left}" y="{HEIGHT - 12}">{bar.least}</text>')
    return _svg(parts, title)


def _grid(low: float, high: float, last: int, place: object) -> str:
    assert callable(place)
    steps = max(1, round((high - low) * 10))
    shown = range(0, steps + 1, max(1, steps // 5))
    rows = [(low + step / 10, place(0, low + step / 10)[1]) for step in shown]
    lines = [f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 12}" y1="{y}" y2="{y}"/>'
             f'<text class="tick" x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{100 * share:.0f} %</text>' for share, y in rows]  # fmt: skip
    every = max(1, last // 12)
    names = [f'<text class="tick" x="{place(x, low)[0]}" y="{HEIGHT - 10}" text-anchor="middle">{"base" if x == 0 else x}</text>'
             for x in range(0, last + 1, every)]  # fmt: skip
    return "".join((*lines, *names))


def _svg(parts: Sequence[str], title: str) -> Markup:
    """Wrap the parts, which hold numbers and our own words only."""
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
    return Markup(head + "".join(parts) + "</svg>")
