"""Pictures of a run. Each function returns None when the run holds nothing for it yet, or nothing but zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

from tasks.domain.comparison import DifficultyBin, by_difficulty
from tasks.domain.run_result import IterationResult, RunResult
from tasks.domain.statistics import Interval
from tasks.report.figures import figure
from tasks.report.lines import SMALL, Line, anything, by_category, by_policy, draw_line, finish, legend
from tasks.report.readable import tells_what_cannot_be_read
from tasks.report.svg import (
    GREEDY,
    MUTED,
    SAMPLED,
    SERIES,
    SHADES,
    STAGE_COLOURS,
    TRAIN,
    VAL,
    as_svg,
)
from tasks.report.tables import estimate, policy_name

MOST_POLICIES = 6  # curves in one picture; of more policies the first, the last and some between are drawn


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
    return by_policy(lines, result, "pass@1", (10.6, 3.6))


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

    failures = [
        Line("no readable answer, greedy", share(0, "format_failures"), GREEDY),
        Line("no readable answer, sampled", share(1, "format_failures"), SAMPLED),
    ]
    lines = [
        *(failures if tells_what_cannot_be_read(result) else []),
        Line("cut by length, greedy", share(0, "truncated_share"), GREEDY, ":", "v"),
        Line("cut by length, sampled", share(1, "truncated_share"), SAMPLED, ":", "v"),
    ]
    return by_policy(lines, result, "share of completions", (10.6, 2.8), floor=0.0)


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
    if not anything(lines):
        return None

    def draw(axes: Any) -> None:
        for line in lines:
            draw_line(axes, line, band=True)
        ks = sorted({k for line in lines for k in line.points})
        axes.set_xscale("log", base=2)
        axes.set_xticks(ks, [str(k) for k in ks])
        axes.minorticks_off()
        axes.set_xlabel("k")
        finish(axes, name.replace("_at_", "@"))

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
    return by_category(lines, names, "solve rate of the base (problems)", "sampled pass@1", "difficulty")


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
    return by_category(lines, ticks, "level (problems)", f"{kind} pass@1", "levels")


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
        legend(axes)

    return as_svg(draw, SMALL, "rows")


@figure("epochs", caption="Reward on val after each epoch; the ring marks the checkpoint that was kept.", place=70)
def epochs(result: RunResult) -> str | None:
    """Draw the reward on val after each epoch; the ring marks the checkpoint that was kept."""
    rows = _some([row for row in result.iterations if row.epochs])
    lines = [
        Line(policy_name(row), {e.epoch: e.val_reward for e in row.epochs}, policy_colour(result, row)) for row in rows
    ]
    if not anything(lines):
        return None

    def draw(axes: Any) -> None:
        for place, (row, line) in enumerate(zip(rows, lines, strict=True)):
            shift, colour = (place - (len(rows) - 1) / 2) * 0.06, line.colour
            draw_line(axes, replace(line, points={x + shift: y for x, y in line.points.items()}))
            chosen = [e for e in row.epochs if e.chosen and not isnan(e.val_reward.value)]
            x, y = [e.epoch + shift for e in chosen], [100 * e.val_reward.value for e in chosen]
            axes.plot(x, y, "o", markersize=11, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=1.4)
        axes.set_xticks(sorted({e.epoch for row in rows for e in row.epochs}))
        axes.set_xlabel("epoch")
        finish(axes, "reward on val")

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


def _some(rows: Sequence[IterationResult]) -> list[IterationResult]:
    """Return at most MOST_POLICIES of the rows, including the first and the last."""
    if len(rows) <= MOST_POLICIES:
        return list(rows)
    step = (len(rows) - 1) / (MOST_POLICIES - 1)
    return [rows[round(place * step)] for place in range(MOST_POLICIES)]
