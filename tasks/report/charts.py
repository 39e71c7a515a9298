"""Pictures of a run as SVG text that takes its colours from the page (CSS variables), so that one picture suits light
and dark.

Each function returns None when the run holds nothing for it yet, or nothing but zeros. On the whole page a colour means one
thing: what was measured (`GREEDY`, `SAMPLED`, `VAL`, `TRAIN`), a policy (shades, the last one the strongest; the base is grey),
or a stage.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from tasks.domain.comparison import DifficultyBin, by_difficulty
from tasks.domain.run_result import IterationResult, RunResult
from tasks.domain.statistics import Interval
from tasks.report.colours import light_colours
from tasks.report.figures import figure
from tasks.report.tables import estimate, policy_name

SERIES = 6
SMALL = (3.7, 3.3)  # inches, of the pictures that stand side by side
MOST_POLICIES = 6  # curves in one picture; of more policies the first, the last and some between are drawn
INK, MUTED, GRID, CARD = (
    "#0a0b01",
    "#0a0b02",
    "#0a0b03",
    "#0a0b04",
)  # stand-ins: no drawing uses these colours otherwise
COLOURS = tuple(f"#0a0c0{number}" for number in range(1, SERIES + 1))
GREEDY, SAMPLED, VAL, TRAIN = COLOURS[:4]
SHADES = tuple(f"#0a0d0{number}" for number in range(1, 7))  # of the policies
STAGES = ("E-step", "materialize", "M-step", "evaluate", "other")
STAGE_COLOURS = dict(zip(STAGES, (f"#0a0e0{number}" for number in range(1, 6)), strict=True))
VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--grid", CARD: "--card"} | {
    colour: f"--{name}{number}"
    for name, colours in (("s", COLOURS), ("p", SHADES), ("t", STAGE_COLOURS.values()))
    for number, colour in enumerate(colours, start=1)
}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.size": 9, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": GRID,
    "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none", "legend.edgecolor": "none", "legend.facecolor": CARD, "legend.framealpha": 0.75,
    "axes.titlesize": 9.5, "axes.titlelocation": "left", "axes.titleweight": "bold", "grid.linewidth": 0.6,
    "lines.linewidth": 1.6, "lines.markersize": 5, "text.parse_math": False,
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line is the points of one curve: x -> interval (shares, drawn in percent)."""

    label: str
    points: Mapping[float, Interval | None]
    colour: str
    style: str = "-"
    marker: str = "o"


@figure(
    "learning-curve",
    caption="Pass@1 by policy with 95 % intervals; test decides nothing, val chooses epochs.",
    wide=True,
    shown="Pass@1 by policy with 95 % intervals: test, val and train; test decides nothing",
    place=10,
)
def learning_curve(result: RunResult) -> str | None:
    """Draw greedy and sampled pass@1 on test, the chosen epoch's reward on val, and sampled pass@1 on train, by policy."""
    rows = result.rows
    lines = [
        Line("greedy, test", {r.number: estimate(r, "greedy") for r in rows}, GREEDY),
        Line("sampled, test", {r.number: estimate(r, "sampled") for r in rows}, SAMPLED),
        Line("reward, val", {r.number: r.val_reward for r in rows}, VAL, "--", "s"),
        Line("sampled, train", {r.number - 1: r.train_accuracy for r in rows[1:]}, TRAIN, ":", "D"),
    ]
    return _policy_axis(lines, result, "pass@1", (10.6, 3.6))


@figure(
    "format-failures",
    caption="Completions on test without an answer that could be read, or cut by length.",
    wide=True,
    place=80,
)
def format_failures(result: RunResult) -> str | None:
    """Draw the shares of completions without a readable answer and of completions cut by length, on test by policy."""
    tallies = {r.number: (r.test.greedy_tally, r.test.sampled_tally) for r in result.rows if r.test}

    def share(place: int, name: str) -> dict[float, Interval | None]:
        values = {number: getattr(both[place], name) for number, both in tallies.items()}
        return {number: None if isnan(v) else Interval(v, v, v) for number, v in values.items()}

    lines = [
        Line("no readable answer, greedy", share(0, "format_failures"), GREEDY),
        Line("no readable answer, sampled", share(1, "format_failures"), SAMPLED),
        Line("cut by length, greedy", share(0, "truncated_share"), GREEDY, ":", "v"),
        Line("cut by length, sampled", share(1, "truncated_share"), SAMPLED, ":", "v"),
    ]
    return _policy_axis(lines, result, "share of completions", (10.6, 2.8), floor=0.0)


@figure(
    "pass-at-k",
    caption="pass@k, unbiased estimate; bands are 95 %, over problems.",
    shown="pass@k, unbiased estimate; bands are 95 %, over problems",
    place=20,
)
def pass_at_k(result: RunResult) -> str | None:
    """Draw pass@k of the base and the iterations, by k."""
    return curves_over_k(result, "pass_at_k")


@figure("maj-at-k", caption="maj@k, exact expectation over all votes of k samples.", place=30)
def maj_at_k(result: RunResult) -> str | None:
    """Draw maj@k of the base and the iterations, by the number of votes."""
    return curves_over_k(result, "maj_at_k")


def curves_over_k(result: RunResult, name: str) -> str | None:
    """Draw the metric `name` (pass_at_k or maj_at_k) of the base (dashed) and the iterations."""
    rows = [row for row in result.rows if row.test and len(getattr(row.test, name)) > 1]
    lines = [
        Line(
            policy_name(row),
            dict(getattr(row.test, name)),
            policy_colour(result, row),
            "--" if row.number == 0 else "-",
        )
        for row in _some(rows)
    ]
    if not _anything(lines):
        return None

    def draw(axes: Any) -> None:
        for line in lines:
            _draw_line(axes, line, band=True)
        ks = sorted({k for line in lines for k in line.points})
        axes.set_xscale("log", base=2)
        axes.set_xticks(ks, [str(k) for k in ks])
        axes.minorticks_off()
        axes.set_xlabel("k")
        _finish(axes, name.replace("_at_", "@"))

    return as_svg(draw, SMALL, name)


@figure(
    "difficulty",
    caption="Binned by one half of the base's samples, base drawn from the other.",
    shown="By the base's solve rate; binned by one half of its samples, compared on the other",
    place=40,
)
def difficulty(result: RunResult) -> str | None:
    """Draw the last evaluated policy against the base, by difficulty."""
    last = next((row for row in reversed(result.iterations) if row.test), None)
    if last is None or last.test is None or result.base.test is None:
        return None
    return binned(by_difficulty(last.test, result.base.test), policy_name(last), policy_colour(result, last))


def binned(bins: Sequence[DifficultyBin], last: str, colour: str) -> str | None:
    """Draw sampled pass@1 of base and last policy, in bins of the base's solve rate."""
    names = [f"{b.name}\n({b.problems})" for b in bins]
    lines = [
        Line("base", {place - 0.08: b.base for place, b in enumerate(bins)}, MUTED, "none", "s"),
        Line(last, {place + 0.08: b.policy for place, b in enumerate(bins)}, colour, "none"),
    ]
    return _categories(lines, names, "solve rate of the base (problems)", "sampled pass@1", "difficulty")


@figure("levels", caption="By level of the data set, base and last policy.", place=50)
def levels(result: RunResult) -> str | None:
    """Draw base and last policy by level: greedy where it was run, else sampled."""
    rows = [row for row in result.rows if row.test and row.test.by_level]
    if not rows or len(rows[-1].test.by_level) > 12:  # type: ignore[union-attr]
        return None
    tests = [row.test for row in (rows[0], rows[-1]) if row.test]
    kind = "greedy" if tests[0].greedy else "sampled"
    names = list(tests[0].by_level)
    lines = [
        Line(
            policy_name(row),
            {place + shift: getattr(test.by_level[n], kind) for place, n in enumerate(names) if n in test.by_level},
            policy_colour(result, row),
            "none",
            marker,
        )
        for row, test, shift, marker in zip((rows[0], rows[-1]), tests, (-0.08, 0.08), "so", strict=True)
    ][: 1 if rows[0] is rows[-1] else 2]
    ticks = [f"{name}\n({tests[0].by_level[name].problems})" for name in names]
    return _categories(lines, ticks, "level (problems)", f"{kind} pass@1", "levels")


@figure(
    "accepted",
    caption="Kept solutions of each train problem, by iteration.",
    shown="Kept solutions of each train problem, by iteration",
    place=60,
)
def rows_per_problem(result: RunResult) -> str | None:
    """Draw how many problems gave how many training rows, by iteration."""
    rows = _some([row for row in result.iterations if any(row.rows_per_problem.values())])
    if not rows:
        return None
    counts = range(max(max(row.rows_per_problem) for row in rows) + 1)
    width = 0.8 / len(rows)

    def draw(axes: Any) -> None:
        for place, row in enumerate(rows):
            shift = (place - (len(rows) - 1) / 2) * width
            colour = policy_colour(result, row)
            heights = [row.rows_per_problem.get(count, 0) for count in counts]
            axes.bar([c + shift for c in counts], heights, width * 0.92, color=colour, label=policy_name(row))
        if len(counts) <= 20:
            axes.set_xticks(list(counts))
        axes.grid(axis="x", visible=False)
        axes.set_xlabel("kept solutions of a problem")
        axes.set_title("train problems")
        _legend(axes)

    return as_svg(draw, SMALL, "rows")


@figure("epochs", caption="Reward on val after each epoch; the ring marks the checkpoint that was kept.", place=70)
def epochs(result: RunResult) -> str | None:
    """Draw the reward on val after each epoch; the ring marks the checkpoint that was kept."""
    rows = _some([row for row in result.iterations if row.epochs])
    lines = [
        Line(policy_name(row), {e.epoch: e.val_reward for e in row.epochs}, policy_colour(result, row)) for row in rows
    ]
    if not _anything(lines):
        return None

    def draw(axes: Any) -> None:
        for place, (row, line) in enumerate(zip(rows, lines, strict=True)):
            shift, colour = (place - (len(rows) - 1) / 2) * 0.06, line.colour
            _draw_line(axes, replace(line, points={x + shift: y for x, y in line.points.items()}))
            chosen = [e for e in row.epochs if e.chosen and not isnan(e.val_reward.value)]
            x, y = [e.epoch + shift for e in chosen], [100 * e.val_reward.value for e in chosen]
            axes.plot(x, y, "o", markersize=11, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=1.4)
        axes.set_xticks(sorted({e.epoch for row in rows for e in row.epochs}))
        axes.set_xlabel("epoch")
        _finish(axes, "reward on val")

    return as_svg(draw, SMALL, "epochs")


@figure(
    "costs",
    caption="Seconds by stage and tokens by purpose.",
    wide=True,
    shown="Seconds by stage and tokens by purpose",
    place=90,
)
def costs(result: RunResult) -> str | None:
    """Draw seconds by stage and tokens by purpose, one bar per iteration."""
    seconds = {row.number: dict(row.seconds) for row in result.rows if any(row.seconds.values())}
    tokens = {row.number: parts for row in result.rows if (parts := _tokens(row))}
    panels = [(parts, unit) for parts, unit in ((seconds, "seconds"), (tokens, "thousand tokens")) if parts]
    if not panels:
        return None

    def draw(axes: Any) -> None:
        for one, (parts, unit) in zip(axes if len(panels) > 1 else [axes], panels, strict=True):
            _stacked(one, parts, unit)

    return as_svg(draw, (10.6, 1.4 + 0.28 * max(len(seconds), len(tokens))), "costs", columns=len(panels))


def _tokens(row: IterationResult) -> dict[str, float]:
    """Return thousands of tokens by stage and kind."""
    parts = {"E-step, prompts": row.train.prompt_tokens, "E-step, completions": row.train.completion_tokens}
    if row.test:
        tally = row.test.tally
        parts |= {"evaluate, prompts": tally.prompt_tokens, "evaluate, completions": tally.completion_tokens}
    return {name: count / 1000 for name, count in parts.items() if count}


def _stacked(axes: Any, parts_by_row: Mapping[int, Mapping[str, float]], unit: str) -> None:
    longest_first = sorted(parts_by_row.values(), key=len, reverse=True)  # a full row has all stages in their order
    names = list(dict.fromkeys(name for parts in longest_first for name in parts))
    left = dict.fromkeys(parts_by_row, 0.0)
    for name in names:
        widths = [parts.get(name, 0.0) for parts in parts_by_row.values()]
        axes.barh(list(parts_by_row), widths, 0.62, left=list(left.values()), label=name,
                  color=STAGE_COLOURS.get(name.split(",")[0], STAGE_COLOURS["other"]), alpha=0.5 if "prompts" in name else 1)  # fmt: skip
        left = {number: left[number] + width for number, width in zip(left, widths, strict=True)}
    axes.set_yticks(list(parts_by_row), ["base" if n == 0 else f"iteration {n}" for n in parts_by_row])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(unit)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, fontsize=8, handlelength=1, columnspacing=1)


def policy_colour(result: RunResult, row: IterationResult) -> str:
    """Return the colour of a policy in every picture of the run: grey for the base, else the stronger the later."""
    last = max((one.number for one in result.iterations), default=1)
    return MUTED if row.number == 0 else SHADES[round((SERIES - 1) * (row.number / last if last > 1 else 1))]


def _anything(lines: Sequence[Line]) -> bool:
    """Return whether some point or limit is not zero; a picture of zeros says less than the table."""
    points = (point for line in lines for point in line.points.values() if point is not None and not isnan(point.value))
    return any(point.value or point.high for point in points)


def _policy_axis(
    lines: Sequence[Line], result: RunResult, title: str, size: tuple[float, float], floor: float = -1.0
) -> str | None:
    lines = [line for line in lines if any(line.points.values())]
    if not _anything(lines):
        return None

    def draw(axes: Any) -> None:
        for place, line in enumerate(lines):
            shift = (place - (len(lines) - 1) / 2) * 0.03
            _draw_line(
                axes,
                Line(line.label, {x + shift: y for x, y in line.points.items()}, line.colour, line.style, line.marker),
            )
        numbers = [row.number for row in result.rows]
        shown = numbers if len(numbers) <= 12 else numbers[:: -(-len(numbers) // 12)]
        axes.set_xticks(shown, ["base" if n == 0 else str(n) for n in shown])
        axes.set_xlabel("policy (iteration that trained it)")
        _finish(axes, title, outside=True, floor=floor)

    return as_svg(draw, size, title)


def _categories(lines: Sequence[Line], names: Sequence[str], below: str, title: str, salt: str) -> str | None:
    if not _anything(lines):
        return None

    def draw(axes: Any) -> None:
        for line in lines:
            _draw_line(axes, line)
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.grid(axis="x", visible=False)
        axes.set_xlabel(below)
        _finish(axes, title)

    return as_svg(draw, SMALL, salt)


def _draw_line(axes: Any, line: Line, band: bool = False) -> None:
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


def _finish(axes: Any, title: str, outside: bool = False, floor: float = -1.0) -> None:
    """Format the y axis as percent between 0 and 100; with `floor` 0 it starts at zero."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    low, high = axes.get_ylim()
    axes.set_ylim(0 if floor == 0 else max(low, floor), min(high, 101))
    axes.set_title(title)
    if outside:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    else:
        _legend(axes)


def _legend(axes: Any) -> None:
    """Put the legend below the axes, never on the data."""
    axes.figure.legend(loc="outside lower center", ncols=3, fontsize=8, handlelength=1.6, columnspacing=1)


def _some(rows: Sequence[IterationResult]) -> list[IterationResult]:
    """Return at most MOST_POLICIES of the rows, including the first and the last."""
    if len(rows) <= MOST_POLICIES:
        return list(rows)
    step = (len(rows) - 1) / (MOST_POLICIES - 1)
    return [rows[round(place * step)] for place in range(MOST_POLICIES)]


class Svg(str):
    """The text of a picture that remembers its figure, so that it can become an image as well."""

    figure: Any


@dataclass(frozen=True)
class Png:
    """An image in the page's light colours, and its size in pixels."""

    data: bytes
    width: int
    height: int


def as_svg(draw: Callable[[Any], None], size: tuple[float, float], salt: str, columns: int = 1) -> str:
    """Runs `draw` on one axes (or an array of `columns`) and returns the picture as an <svg> element."""
    import matplotlib
    from matplotlib.figure import Figure

    text = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots(1, columns))
        figure.savefig(text, format="svg", metadata={"Date": None})
    made = Svg(_themed(text.getvalue()))
    made.figure = figure
    return made


def as_png(svg: str, dpi: int = 110) -> Png | None:
    """Return a picture of `as_svg` as an image; None for a text that another package wrote."""
    if not isinstance(svg, Svg):
        return None
    data, colours = io.BytesIO(), {stand_in: light_colours()[name] for stand_in, name in VARIABLES.items()}
    for artist in svg.figure.findobj():
        _recolour(artist, colours)
    svg.figure.savefig(data, format="png", dpi=dpi, facecolor="white")
    width, height = svg.figure.get_size_inches() * dpi
    return Png(data.getvalue(), round(width), round(height))


def _recolour(artist: Any, colours: Mapping[str, str]) -> None:
    """Give an artist real colours in the place of stand-ins."""
    from matplotlib.colors import to_hex, to_rgba

    for name in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
        read, write = getattr(artist, f"get_{name}", None), getattr(artist, f"set_{name}", None)
        if read is None or write is None:
            continue
        given = read()
        many = given if getattr(given, "ndim", 1) == 2 else [given]  # collections have a row for each part
        known = [one for one in many if not (isinstance(one, str) and one in ("none", "auto"))]
        found = [to_rgba(colours[to_hex(one)], to_rgba(one)[3]) for one in known if to_hex(one) in colours]
        if found and len(found) == len(many):
            write(found if len(found) > 1 else found[0])


def _themed(svg: str) -> str:
    """Return only the svg element, in the page's colours and font, scaling with the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)  # repeated in every picture; nothing refers to them
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    svg = re.sub(r'width="([\d.]+)pt" height="[\d.]+pt"', r'role="img" style="max-width: \1pt"', svg, count=1)
    return re.sub("|".join(VARIABLES), lambda match: f"var({VARIABLES[match.group()]})", svg)
