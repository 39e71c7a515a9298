"""Pictures of a comparison as SVG text in the page's colours: rounds, differences, pass@k, maj@k and costs, an arm a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from tasks.domain.arms import Against, ComparisonResult, against, arm_figures, by_round
from tasks.domain.statistics import Interval
from tasks.report.svg import COLOURS, MUTED, SERIES, as_svg

STYLES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Picture:
    """An SVG and the line below it."""

    svg: str
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Look:
    """How an arm is drawn, the same in every picture."""

    colour: str
    style: str


def pictures(result: ComparisonResult) -> Iterator[Picture]:
    """Return every picture for which there is something to draw."""
    looks = {name: Look(COLOURS[place % SERIES], STYLES[place // SERIES % len(STYLES)])
             for place, name in enumerate(result.arms)}  # fmt: skip
    curves = {name: by_round(runs, result.metric) for name, runs in result.arms.items()}
    if any(len(curve) > 1 for curve in curves.values()) and any(
        one.value > 0 for curve in curves.values() for one in curve.values()
    ):
        yield Picture(
            rounds(curves, looks, f"{result.metric} pass@1"),
            "On test after each round, mean over seeds; bars are Student's limits over seeds (of the shared base: over problems).",
            wide=True,
        )
    if lines := against(result.arms, result.reference, result.metric):
        yield Picture(
            differences(lines, looks, result.reference),
            "At the last round, paired. Thick: over problems (bootstrap). Thin: over seeds (Student's t).", wide=True,
        )  # fmt: skip
    for kind in ("pass@", "maj@"):
        if found := over_k(result, kind):
            yield Picture(chart_over_k(found, looks, f"{kind}k"), f"{kind}k at the last round, mean over seeds.")
    spent = {name: figures.spent for name, runs in result.arms.items() if (figures := arm_figures(name, runs))}
    if spent:
        costs = {
            "thousand completion tokens": {name: one.tokens / 1000 for name, one in spent.items()},
            "seconds": {name: one.seconds for name, one in spent.items()},
            "tokens per accepted row": {name: one.tokens_per_row for name, one in spent.items()},
        }
        if shown := {title: values for title, values in costs.items() if any(value > 0 for value in values.values())}:
            yield Picture(bars(shown, looks), "What one seed spent, mean over seeds.", wide=True)


def rounds(curves: Mapping[str, Mapping[int, Interval]], looks: Mapping[str, Look], title: str) -> str:
    """Draw one line an arm over rounds, round 0 being the base."""

    def draw(axes: Any) -> None:
        for place, (name, curve) in enumerate(curves.items()):
            shift = (place - (len(curves) - 1) / 2) * 0.02
            x, y = [number + shift for number in curve], [100 * one.value for one in curve.values()]
            axes.errorbar(x, y, yerr=_whiskers(curve.values()), capsize=2, elinewidth=0.8, marker="o", label=name,
                          color=looks[name].colour, linestyle=looks[name].style)  # fmt: skip
        numbers = sorted({number for curve in curves.values() for number in curve})
        axes.set_xticks(numbers, ["base" if number == 0 else f"round {number}" for number in numbers])
        _percent(axes, title)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))

    return as_svg(draw, (10.6, 3.9), "rounds")


def differences(lines: Sequence[Against], looks: Mapping[str, Look], reference: str) -> str:
    """Draw each arm's difference with both of its intervals."""

    def draw(axes: Any) -> None:
        for place, line in enumerate(lines):
            colour = looks[line.arm].colour
            for interval, width, at in ((line.over_problems, 4.0, place), (line.over_seeds, 1.2, place + 0.22)):
                if isfinite(interval.low):
                    axes.plot([100 * interval.low, 100 * interval.high], [at, at], color=colour, linewidth=width)
                if not isnan(interval.value):
                    axes.plot([100 * interval.value], [at], "o", color=colour, markersize=4)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_yticks(range(len(lines)), [line.arm for line in lines])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_title(f"{lines[0].metric} pass@1 minus {reference}, in points")

    return as_svg(draw, (10.6, 1.1 + 0.34 * len(lines)), "differences")


def over_k(result: ComparisonResult, kind: str) -> dict[str, dict[int, float]]:
    """Return the arms' means of pass@k or maj@k by k; empty where fewer than two k were scored."""
    found = {}
    for name, runs in result.arms.items():
        figures = arm_figures(name, runs)
        metrics = figures.metrics if figures else {}
        means = {int(one.removeprefix(kind)): value.value for one, value in metrics.items() if one.startswith(kind)}
        if means and "sampled" in metrics:
            found[name] = {1: metrics["sampled"].value, **means} if kind == "pass@" else means
    found = {name: means for name, means in found.items() if len(means) > 1}
    return found if any(value > 0 for means in found.values() for value in means.values()) else {}


def chart_over_k(found: Mapping[str, Mapping[int, float]], looks: Mapping[str, Look], title: str) -> str:
    """Draw one line an arm over k."""

    def draw(axes: Any) -> None:
        for name, means in found.items():
            axes.plot(list(means), [100 * value for value in means.values()], marker="o", label=name,
                      color=looks[name].colour, linestyle=looks[name].style)  # fmt: skip
        ks = sorted({k for means in found.values() for k in means})
        axes.set_xscale("log", base=2)
        axes.set_xticks(ks, list(map(str, ks)))
        axes.minorticks_off()
        axes.set_xlabel("k")
        _percent(axes, title)
        axes.figure.legend(loc="outside lower center", ncols=3, fontsize=7)

    return as_svg(draw, (5.2, 3.9), title)


def bars(costs: Mapping[str, Mapping[str, float]], looks: Mapping[str, Look]) -> str:
    """Draw a panel for each cost, a bar an arm."""
    names = list(next(iter(costs.values())))

    def draw(axes: Any) -> None:
        for place, (axis, (title, values)) in enumerate(
            zip(axes if len(costs) > 1 else [axes], costs.items(), strict=True)
        ):
            axis.barh(
                names,
                [0 if isnan(value) else value for value in values.values()],
                color=[looks[name].colour for name in values],
            )
            axis.invert_yaxis()
            axis.grid(axis="y", visible=False)
            axis.set_title(title)
            if place:
                axis.set_yticklabels([])

    return as_svg(draw, (10.6, 1.0 + 0.28 * len(names)), "costs of arms", columns=len(costs))


def _whiskers(intervals: Any) -> list[list[float]]:
    """Return the distances to both limits in points; none where an interval has no limits."""
    found = [(100 * (one.value - one.low), 100 * (one.high - one.value)) for one in intervals]
    known = [(low, high) if isfinite(low) and isfinite(high) else (0.0, 0.0) for low, high in found]
    return [[low for low, _ in known], [high for _, high in known]]


def _percent(axes: Any, title: str) -> None:
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -1), min(high, 101))
    axes.set_title(title)
