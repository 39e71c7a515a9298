"""The page of a comparison: arms over seeds, each minus the reference, what was spent, and the cells behind it.

Everything reads one `ComparisonResult` and further sections; the page is as safe as a run's (no script, no network).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf, isfinite, isnan
from pathlib import Path

from tasks.domain.arms import (
    Against,
    ArmFigures,
    ComparisonResult,
    against,
    arm_figures,
    by_round,
    metric_names,
    seed_spread,
)
from tasks.domain.inference import detectable
from tasks.domain.statistics import Interval
from tasks.report import arm_charts
from tasks.report.html import safe
from tasks.report.section import Section, as_html, as_markdown, section
from tasks.report.text import NOTHING, amount, percent, plain, within_limit

RUN_PAGE = Path(__file__).with_name("page.html")  # whose style and content policy this page has
READING = (
    "Metrics are on the test problems after each arm's last round, never its best one; values are means over seeds with 95 % limits "
    "of Student's t at n-1 degrees of freedom (of one seed: over problems)."
)
READING_AGAINST = (
    "In percentage points, paired by seed and problem. Over problems: seeds averaged for each problem, bootstrap. Over seeds: "
    "Student's t with n-1 degrees of freedom; p belongs to it (with one seed: to a t test over problems). Adjusted: "
    "Benjamini-Hochberg over the arms, for each metric; arms at or below 0.05 hold at a false discovery rate of 5 %."
)
READING_SPENT = "Means of one seed, sampling for training only; seconds include the evaluations, and those of stored phases are as first measured."


def comparison_sections(result: ComparisonResult, bootstrap: int = 2000) -> list[Section]:
    """Return the tables of figures, as far as the comparison has come."""
    figures = [one for name, runs in result.arms.items() if (one := arm_figures(name, runs))]
    metrics = _shown_metrics(result)
    lines = [line for metric in metrics for line in against(result.arms, result.reference, metric, bootstrap)]
    made = [
        _arms(result, figures, metrics),
        _against(result, lines),
        _rounds(result),
        _spent(figures),
        _detectable(result),
    ]
    return [one for one in made if one.rows or one.reading]


def comparison_markdown(result: ComparisonResult, further: Sequence[Section] = ()) -> str:
    """Return the tables as markdown, at most 100 KB."""
    parts = [f"# {plain(result.name)}: {plain(result.status)}", plain(headline(result)), *map(plain, result.notes)]
    shown = [*comparison_sections(result), *further, _cells(result)]
    return within_limit("\n\n".join([*parts, *map(as_markdown, shown)]) + "\n")


def comparison_html(result: ComparisonResult, further: Sequence[Section] = ()) -> str:
    """Return the page as text."""
    first, *rest = comparison_sections(result)
    pictures = "".join(
        f"<figure{' class=wide' if one.wide else ''}>{one.svg}<figcaption>{safe(one.caption)}</figcaption></figure>"
        for one in arm_charts.pictures(result)
    )
    head = RUN_PAGE.read_text(encoding="utf-8").partition("</head>")[0].replace("$title", safe(result.name))
    notes = "".join(f"<p>{safe(note)}</p>" for note in result.notes)
    return (
        f"{head}</head>\n<body><main>\n<h1>{safe(result.name)} <span class=\"badge {result.status}\">{result.status}</span></h1>\n"
        f"<p>{safe(headline(result))}</p>{notes}\n{as_html(first)}\n<h2>Pictures</h2><div class=\"figures\">{pictures}</div>\n"
        f"{''.join(map(as_html, [*rest, *further, _cells(result)]))}\n</main></body>\n</html>\n"
    )  # fmt: skip


def headline(result: ComparisonResult) -> str:
    """Return one sentence: what is compared, and how far it has come."""
    names = ", ".join(name for name in result.arms if name != result.reference)
    return f"{names} against {result.reference}: {result.done} of {result.cells} runs have ended. {result.budget}"


def _shown_metrics(result: ComparisonResult) -> list[str]:
    """Return pass@1 of both kinds and the largest k of pass@k and maj@k, the tested metric first."""
    runs = [run for seeds in result.arms.values() for run in seeds.values()]
    names = metric_names(runs)
    by_kind = {re.sub(r"\d+$", "", name): name for name in names}  # the largest k of a kind comes last
    return sorted(by_kind.values(), key=lambda name: name != result.metric)


def _arms(result: ComparisonResult, figures: Sequence[ArmFigures], metrics: Sequence[str]) -> Section:
    rows = [
        (one.name, result.methods.get(one.name, one.name), _numbers(one.seeds), _numbers(sorted(set(one.rounds))),
         *(_share(one.metrics.get(metric)) for metric in metrics))
        for one in figures
    ]  # fmt: skip
    titles = (name if "@" in name else f"{name} pass@1" for name in metrics)
    return section("Arms", ("arm", "method", "seeds", "last round", *titles), rows, READING)


def _against(result: ComparisonResult, lines: Sequence[Against]) -> Section:
    rows = [
        (line.arm, line.metric, len(line.seeds), _points(line.over_problems), _points(line.over_seeds), _p(line.p),
         _p(line.adjusted))
        for line in lines
    ]  # fmt: skip
    head = ("arm", "metric", "seeds", "over problems", "over seeds", "p", "adjusted p")
    return section(f"Minus {result.reference}", head, rows, READING_AGAINST if rows else "")


def _rounds(result: ComparisonResult) -> Section:
    curves = {name: by_round(runs, result.metric) for name, runs in result.arms.items()}
    numbers = sorted({number for curve in curves.values() for number in curve})
    rows = [(name, *(_share(curve.get(number)) for number in numbers)) for name, curve in curves.items() if curve]
    head = ("arm", *("base" if number == 0 else f"round {number}" for number in numbers))
    return section(f"{result.metric} pass@1 by round", head, rows)


def _spent(figures: Sequence[ArmFigures]) -> Section:
    rows = [
        (one.name, amount(one.spent.samples), amount(one.spent.tokens), amount(one.spent.steps), amount(one.spent.rows),
         NOTHING if isnan(one.spent.tokens_per_row) else amount(one.spent.tokens_per_row), amount(one.spent.seconds))
        for one in figures
    ]  # fmt: skip
    head = ("arm", "samples", "completion tokens", "optimizer steps", "rows", "tokens per accepted row", "seconds")
    return section("Spent", head, rows, READING_SPENT if rows else "")


def _detectable(result: ComparisonResult) -> Section:
    """Say what differences this design could have found, by the spread over seeds that was measured."""
    spread = seed_spread(result.arms, result.reference, result.metric)
    seeds = max((len(runs) for runs in result.arms.values()), default=0)
    if spread is None:
        return section("Minimal detectable effect", (), ())
    found = detectable(spread, seeds)
    text = (
        f"The differences of {result.metric} pass@1 to {result.reference} spread by {100 * spread:.1f} points over seeds (pooled over "
        f"arms). With {seeds} seeds a true difference of {_effect(found.difference)} is found with probability {found.power:.0%} at a "
        f"level of {found.alpha:.0%}; smaller ones are usually missed, and no difference found is not the same as no difference."
    )
    return section("Minimal detectable effect", (), (), text)


def _cells(result: ComparisonResult) -> Section:
    rows = [
        (name, seed, run.name, result.failures.get((name, seed), run.status), run.commit[:12])
        for name, runs in result.arms.items()
        for seed, run in runs.items()
    ]
    unseen = [
        (name, seed, NOTHING, why, NOTHING)
        for (name, seed), why in result.failures.items()
        if seed not in result.arms.get(name, {})
    ]
    reading = f"`restem trace {result.name} --cell ARM/SEED` prints the command and the artifacts behind a cell."
    return section("Runs", ("arm", "seed", "run", "status", "commit"), [*rows, *unseen], reading)


def _share(interval: Interval | None) -> str:
    """Return a share in percent with its limits, which one seed does not have."""
    if interval is None or isnan(interval.value):
        return NOTHING
    limits = f" [{100 * interval.low:.1f}, {100 * interval.high:.1f}]" if isfinite(interval.low) else ""
    return percent(interval.value) + limits


def _points(interval: Interval) -> str:
    if isnan(interval.value):
        return NOTHING
    limits = f" [{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]" if isfinite(interval.low) else ""
    return f"{100 * interval.value:+.1f}{limits}"


def _p(value: float) -> str:
    return NOTHING if isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _effect(difference: float) -> str:
    return "any size" if difference == inf else f"{100 * difference:.1f} points"


def _numbers(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
