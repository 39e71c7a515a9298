"""Pictures of a run as SVG text that takes its colours from the page (CSS variables), so that one picture suits light
and dark.

Each function returns None when the run holds nothing for it yet.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from tasks.domain.comparison import DifficultyBin, by_difficulty
from tasks.domain.results import IterationResult, RunResult
from tasks.domain.statistics import Interval
from tasks.report.figures import figure
from tasks.report.tables import estimate, policy_name

SERIES = 6
MOST_POLICIES = 6  # curves in one picture; of more policies the first, the last and some between are drawn
INK, MUTED, GRID, CARD = (
    "#0a0b01",
    "#0a0b02",
    "#0a0b03",
    "#0a0b04",
)  # stand-ins: no drawing uses these colours otherwise
COLOURS = tuple(f"#0a0c0{number}" for number in range(1, SERIES + 1))
VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--grid", CARD: "--card"} | {
    colour: f"--s{number}" for number, colour in enumerate(COLOURS, start=1)
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
        Line("greedy, test", {r.number: estimate(r, "greedy") for r in rows}, COLOURS[0]),
        Line("sampled, test", {r.number: estimate(r, "sampled") for r in rows}, COLOURS[1]),
        Line("reward, val", {r.number: r.val_reward for r in rows}, COLOURS[2], "--", "s"),
        Line("sampled, train", {r.number - 1: r.train_accuracy for r in rows[1:]}, COLOURS[3], ":", "D"),
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
        Line("no readable answer, greedy", share(0, "format_failures"), COLOURS[0]),
        Line("no readable answer, sampled", share(1, "format_failures"), COLOURS[1]),
        Line("cut by length, greedy", share(0, "truncated_share"), COLOURS[0], ":", "v"),
        Line("cut by length, sampled", share(1, "truncated_share"), COLOURS[1], ":", "v"),
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
            MUTED if row.number == 0 else colour,
            "--" if row.number == 0 else "-",
        )
        for row, colour in zip(_some(rows), (MUTED, *COLOURS), strict=False)
    ]
    if not lines:
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

    return as_svg(draw, (3.7, 3.0), name)


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
    return binned(by_difficulty(last.test, result.base.test), policy_name(last))


def binned(bins: Sequence[DifficultyBin], last: str) -> str | None:
    """Draw sampled pass@1 of base and last policy, in bins of the base's solve rate."""
    if not bins:
        return None
    names = [f"{b.name}\n({b.problems})" for b in bins]
    lines = [
        Line("base", {place - 0.08: b.base for place, b in enumerate(bins)}, MUTED, "none", "s"),
        Line(last, {place + 0.08: b.policy for place, b in enumerate(bins)}, COLOURS[0], "none"),
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
            colour,
            "none",
            marker,
        )
        for row, test, shift, colour, marker in zip(
            (rows[0], rows[-1]), tests, (-0.08, 0.08), (MUTED, COLOURS[0]), "so", strict=True
        )
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
    rows = _some([row for row in result.iterations if row.rows_per_problem])
    if not rows:
        return None
    counts = range(max(max(row.rows_per_problem) for row in rows) + 1)
    width = 0.8 / len(rows)

    def draw(axes: Any) -> None:
        for place, (row, colour) in enumerate(zip(rows, COLOURS, strict=False)):
            shift = (place - (len(rows) - 1) / 2) * width
            heights = [row.rows_per_problem.get(count, 0) for count in counts]
            axes.bar([c + shift for c in counts], heights, width * 0.92, color=colour, label=policy_name(row))
        if len(counts) <= 20:
            axes.set_xticks(list(counts))
        axes.grid(axis="x", visible=False)
        axes.set_xlabel("kept solutions of a problem")
        axes.set_title("train problems")
        axes.legend()

    return as_svg(draw, (3.7, 3.0), "rows")


@figure("epochs", caption="Reward on val after each epoch; the ring marks the checkpoint that was kept.", place=70)
def epochs(result: RunResult) -> str | None:
    """Draw the reward on val after each epoch; the ring marks the checkpoint that was kept."""
    rows = _some([row for row in result.iterations if row.epochs])
    if not rows:
        return None

    def draw(axes: Any) -> None:
        for place, (row, colour) in enumerate(zip(rows, COLOURS, strict=False)):
            shift = (place - (len(rows) - 1) / 2) * 0.06
            _draw_line(axes, Line(policy_name(row), {e.epoch + shift: e.val_reward for e in row.epochs}, colour))
            chosen = [e for e in row.epochs if e.chosen and not isnan(e.val_reward.value)]
            x, y = [e.epoch + shift for e in chosen], [100 * e.val_reward.value for e in chosen]
            axes.plot(x, y, "o", markersize=11, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=1.4)
        axes.set_xticks(sorted({e.epoch for row in rows for e in row.epochs}))
        axes.set_xlabel("epoch")
        _finish(axes, "reward on val")

    return as_svg(draw, (3.7, 3.0), "epochs")


@figure(
    "costs",
    caption="Seconds by stage and tokens by purpose.",
    wide=True,
    shown="Seconds by stage and tokens by purpose",
    place=90,
)
def costs(result: RunResult) -> str | None:
    """Draw seconds by stage and tokens by purpose, one bar per iteration."""
    seconds = {row.number: dict(row.seconds) for row in result.rows if row.seconds}
    tokens = {row.number: parts for row in result.rows if (parts := _tokens(row))}
    if not seconds and not tokens:
        return None

    def draw(axes: Any) -> None:
        _stacked(axes[0], seconds, "seconds")
        _stacked(
            axes[1], {n: {k: v / 1000 for k, v in parts.items()} for n, parts in tokens.items()}, "thousand tokens"
        )

    return as_svg(draw, (10.6, 1.3 + 0.28 * max(len(seconds), len(tokens))), "costs", columns=2)


def _tokens(row: IterationResult) -> dict[str, float]:
    parts = {"E-step, prompts": row.train.prompt_tokens, "E-step, completions": row.train.completion_tokens}
    if row.test:
        parts |= {"test, prompts": row.test.tally.prompt_tokens, "test, completions": row.test.tally.completion_tokens}
    return {name: float(count) for name, count in parts.items() if count}


def _stacked(axes: Any, parts_by_row: Mapping[int, Mapping[str, float]], unit: str) -> None:
    longest_first = sorted(parts_by_row.values(), key=len, reverse=True)  # a full row has all stages in their order
    names = list(dict.fromkeys(name for parts in longest_first for name in parts))
    left = dict.fromkeys(parts_by_row, 0.0)
    for place, name in enumerate(names):
        widths = [parts.get(name, 0.0) for parts in parts_by_row.values()]
        axes.barh(list(parts_by_row), widths, 0.62, left=list(left.values()), color=COLOURS[place % SERIES], label=name)
        left = {number: left[number] + width for number, width in zip(left, widths, strict=True)}
    axes.set_yticks(list(parts_by_row), ["base" if n == 0 else f"iteration {n}" for n in parts_by_row])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(unit)
    if names:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, fontsize=8, handlelength=1, columnspacing=1)


def _policy_axis(
    lines: Sequence[Line], result: RunResult, title: str, size: tuple[float, float], floor: float = -1.0
) -> str | None:
    lines = [line for line in lines if any(line.points.values())]
    if not lines:
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


def _categories(lines: Sequence[Line], names: Sequence[str], below: str, title: str, salt: str) -> str:
    def draw(axes: Any) -> None:
        for line in lines:
            _draw_line(axes, line)
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.grid(axis="x", visible=False)
        axes.set_xlabel(below)
        _finish(axes, title)

    return as_svg(draw, (3.7, 3.0), salt)


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
        axes.legend(loc="best")


def _some(rows: Sequence[IterationResult]) -> list[IterationResult]:
    """Return at most MOST_POLICIES of the rows, including the first and the last."""
    if len(rows) <= MOST_POLICIES:
        return list(rows)
    step = (len(rows) - 1) / (MOST_POLICIES - 1)
    return [rows[round(place * step)] for place in range(MOST_POLICIES)]


def as_svg(draw: Callable[[Any], None], size: tuple[float, float], salt: str, columns: int = 1) -> str:
    """Runs `draw` on one axes (or an array of `columns`) and returns the picture as an <svg> element."""
    import matplotlib
    from matplotlib.figure import Figure

    text = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots(1, columns))
        figure.savefig(text, format="svg", metadata={"Date": None})
    return _themed(text.getvalue())


def _themed(svg: str) -> str:
    """Return only the svg element, in the page's colours and font, scaling with the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)  # repeated in every picture; nothing refers to them
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    svg = re.sub(r'width="([\d.]+)pt" height="[\d.]+pt"', r'role="img" style="max-width: \1pt"', svg, count=1)
    return re.sub("|".join(VARIABLES), lambda match: f"var({VARIABLES[match.group()]})", svg)
