"""The tables of a run, one row an iteration, for the terminal, for Prefect (markdown) and for the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from tasks.domain.amounts import duration
from tasks.domain.run_result import Bounds, Difference, IterationResult, PolicyScore, RunResult, unchanged_warning
from tasks.domain.statistics import Interval
from tasks.domain.totals import totals_of
from tasks.report.layout import Grid, grid, laid_out, wrapped
from tasks.report.readable import tells_what_cannot_be_read
from tasks.report.text import (
    NOTHING,
    amount,
    code,
    interval_lines,
    markdown_table,
    percent,
    plain,
    points,
    within_limit,
)

MOST_COLUMNS = 4  # beside the policy: Prefect's page of an artifact has 830 pixels for a table in a window of 1,400

READING = (
    "Intervals are 95 %: Wilson for greedy pass@1 and the solve rate, bootstrap over problems for the rest. Solve rate, "
    "problems solved and kept examples of an iteration belong to the policy that was sampled, the one of the row above; "
    "scores are of the row's own policy on the test problems.",
    "Format failures are completions without an answer that could be read.",
    "What came from the store shows the seconds that it first took.",
)


@dataclass(frozen=True)
class Column:
    """One column. Each line of a cell is a figure; on one line the figures are joined by `joint`."""

    title: str
    lines: Callable[[IterationResult], Sequence[str]]
    joint: str = " "

    def one_line(self, row: IterationResult) -> str:
        return self.joint.join(self.lines(row))


@dataclass(frozen=True)
class Block:
    """Columns that stand together; each block begins with the policy. Two blocks fit a screen where one table would not."""

    title: str
    columns: tuple[Column, ...]

    def grid(self, result: RunResult) -> Grid:
        """Return the block with its figures, a line of a cell for each."""
        cells = [[tuple(column.lines(row)) for column in self.columns] for row in result.rows]
        return grid(self.titles, cells, [column.joint for column in self.columns])

    @property
    def titles(self) -> list[str]:
        return [column.title for column in self.columns]


def columns(result: RunResult) -> list[Column]:
    """Return all columns of this run, as one table has them."""
    scores, work = blocks(result)
    return [*scores.columns, *work.columns[1:]]


def reading(result: RunResult) -> str:
    """Return how the tables of this run are read."""
    figures, failures, stored = READING
    return " ".join([figures, *([failures] if tells_what_cannot_be_read(result) else []), stored])


def blocks(result: RunResult) -> tuple[Block, Block]:
    """Return the scores and the work; pass@k and maj@k show the largest k that was scored."""
    k = max((k for row in result.rows if row.test for k in row.test.pass_at_k), default=1)
    policy = Column("policy", lambda row: [policy_name(row)])
    failures = (Column("format failures (greedy, sampled)", lambda row: _failures(row.test), ", "),)
    scores = (
        policy,
        Column("greedy pass@1", lambda row: interval_lines(estimate(row, "greedy"))),
        Column("sampled pass@1", lambda row: interval_lines(estimate(row, "sampled"))),
        Column(f"pass@{k}", lambda row: interval_lines(estimate(row, f"pass@{k}"))),
        Column(f"maj@{k}", lambda row: interval_lines(estimate(row, f"maj@{k}"))),
        *(failures if tells_what_cannot_be_read(result) else ()),
    )
    work = (
        policy,
        Column("solve rate (train)", lambda row: interval_lines(row.solve_rate)),
        Column(
            "problems solved",
            lambda row: [f"{row.problems_solved}/{row.train_problems}" if row.train_problems else NOTHING],
        ),
        Column("kept examples", lambda row: [NOTHING if row.kept_examples is None else f"{row.kept_examples:,}"]),
        Column("tokens", lambda row: [amount(row.tokens) if row.tokens else NOTHING]),
        Column("seconds", _seconds, ", "),
    )
    return Block("On the test problems", scores), Block("Sampling, data set and time", work)


def as_table(result: RunResult, width: int | None = None) -> str:
    """Return the run's tables and totals as text of at most `width` columns; None, for a pipe: one line a row."""
    parts = [f"{result.name} ({result.status})", *(laid_out(block.grid(result), width) for block in blocks(result))]
    return "\n\n".join([*parts, wrapped(totals_line(result), width)])


def totals_line(result: RunResult) -> str:
    """Return one sentence: time, tokens, device hours and cost of the whole run."""
    return "In all: " + ", ".join(f"{figure} {name}" for name, figure in totals_shown(result).items()) + "."


def totals_shown(result: RunResult) -> dict[str, str]:
    """Return the totals of a run by their names; figures that are unknown are left out."""
    found = totals_of(result)
    shown = {
        "of work": duration(found.seconds),
        "tokens": amount(found.tokens),
        "device hours": f"{found.device_hours:.3g}",
        "cost": "" if isnan(found.cost) else f"{found.cost:.2f}",
        "cost per accepted row": "" if isnan(found.cost_per_row) else f"{found.cost_per_row:.2g}",
        "of device time per accepted row": "" if isnan(found.device_seconds_per_row) else _short_time(found.device_seconds_per_row),
    }  # fmt: skip
    return {name: figure for name, figure in shown.items() if figure}


def _short_time(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else duration(seconds)


def as_markdown(result: RunResult) -> str:
    """Return status, table, differences to the base, unknowns and addresses; at most 100 KB."""
    parts = [
        f"# {plain(result.name)}: {plain(result.status)}",
        headline(result),
        *_markdown_tables(result),
        totals_line(result),
        reading(result),
        choice(result),
        differences_markdown(result.differences),
        unknowns(result),
        "\n".join(f"- {plain(note)}" for note in result.notes),
        _addresses(result),
        f"Started {result.started or NOTHING}, finished {result.finished or NOTHING}. Commit {plain(result.commit) or NOTHING}. "
        f"{plain(result.hardware)}",
    ]
    return within_limit("\n\n".join(part for part in parts if part) + "\n")


def _markdown_tables(result: RunResult) -> list[str]:
    policy, *others = columns(result)
    groups = [[policy, *others[at : at + MOST_COLUMNS]] for at in range(0, len(others), MOST_COLUMNS)]
    return [
        markdown_table([one.title for one in group], [[one.one_line(row) for one in group] for row in result.rows])
        for group in groups
    ]


def score_markdown(row: IterationResult, name: str, config: Mapping[str, Any]) -> str:
    """Return one policy's figures on the test problems of a config and, where there are levels, those of each level."""
    result = RunResult(name, config, row)
    shown = blocks(result)[0].columns[1:]
    parts = [f"# {plain(name)}", markdown_table([c.title for c in shown], [[c.one_line(row) for c in shown]])]
    if row.test and row.test.by_level:
        rows = [
            [plain(level), str(at.problems), *(" ".join(interval_lines(one)) for one in (at.greedy, at.sampled))]
            for level, at in row.test.by_level.items()
        ]
        parts.append(markdown_table(["level", "problems", "greedy pass@1", "sampled pass@1"], rows))
    return within_limit("\n\n".join([*parts, reading(result)]) + "\n")


def as_json(result: RunResult) -> str:
    """Return the whole record as indented JSON text."""
    return json.dumps(result.to_json(), indent=1, ensure_ascii=False, allow_nan=False)


def headline(result: RunResult) -> str:
    """Return one sentence that says from which score to which the run has come, after a warning where nothing was learned."""
    warnings = [told for row in result.iterations if (told := unchanged_warning(row.number, row.epochs))]
    return " ".join([*(f"Warning: {told}." for told in warnings), _way(result)])


def _way(result: RunResult) -> str:
    last = result.iterations[-1] if result.iterations else None
    if last is None or last.test is None or result.base.test is None:
        return "No iteration has been evaluated yet."
    changes = []
    for name in ("greedy", "sampled"):
        before, after = estimate(result.base, name), estimate(last, name)
        if before and after:
            paired = next((d for d in result.differences if (d.number, d.metric) == (last.number, name)), None)
            gain = f" ({points(paired.interval)})" if paired else ""
            changes.append(f"{name} pass@1 {percent(before.value)} → {percent(after.value)}{gain}")
    return f"Base to {policy_name(last)}: " + "; ".join(changes) + "."


def choice(result: RunResult) -> str:
    """Return which iteration val chooses, by what, and what the others would have given on test; empty below two iterations."""
    scored = [row for row in result.iterations if row.val_reward is not None and not isnan(row.val_reward.value)]
    if len(scored) < 2:
        return ""
    best = max(scored, key=lambda row: (row.val_reward.value if row.val_reward else 0.0, -row.number))
    others = "; ".join(f"{policy_name(row)} {_choice_figures(row)}" for row in scored if row is not best)
    return (
        f"By reward on val the choice is {policy_name(best)}: {_choice_figures(best)}. The others would have given: {others}. "
        "Test decides nothing; among equals the earliest is chosen."
    )


def _choice_figures(row: IterationResult) -> str:
    parts = [f"val {percent(row.val_reward.value)}"] if row.val_reward else []
    for name in ("greedy", "sampled"):
        if (on_test := estimate(row, name)) is not None:
            parts.append(f"{name} on test {percent(on_test.value)}")
    return ", ".join(parts)


def differences_markdown(differences: Iterable[Difference]) -> str:
    """Return paired differences to the base in percentage points: one row per iteration, one column per metric."""
    tables = [markdown_table(head, rows) for head, rows in difference_tables(differences)]
    return "\n\n".join(["Paired difference to the base, in points:", *tables]) if tables else ""


def difference_tables(differences: Iterable[Difference]) -> list[tuple[list[str], list[list[str]]]]:
    """Return head and rows of tables that each fit a page: at most `MOST_COLUMNS` metrics side by side."""
    found = {(d.number, d.metric): d.interval for d in differences}
    metrics = list(dict.fromkeys(metric for _, metric in found))
    numbers = sorted({number for number, _ in found})
    groups = [metrics[at : at + MOST_COLUMNS] for at in range(0, len(metrics), MOST_COLUMNS)]
    return [
        (
            ["policy", *group],
            [
                [f"iteration {n}", *(points(found[n, m]) if (n, m) in found else NOTHING for m in group)]
                for n in numbers
            ],
        )
        for group in groups
    ]


def unknowns(result: RunResult) -> str:
    """Return what verifier errors could change, one line per policy; empty without any."""
    lines = []
    for row in result.rows:
        ranges = [
            f"{name} {percent(known.value)} (between {percent(b.low)} and {percent(b.high)})"
            for name, b in _shown_bounds(row).items()
            if (known := estimate(row, name))
        ]
        lost = [f"{row.train.verifier_errors} train samples left out of training"] if row.train.verifier_errors else []
        if lost or ranges:
            lines.append(f"- {policy_name(row)}: " + "; ".join(lost + ranges))
    return (
        "Without a verdict (verifier error), counted neither as right nor as wrong:\n\n" + "\n".join(lines)
        if lines
        else ""
    )


def _shown_bounds(row: IterationResult) -> dict[str, Bounds]:
    """Return the bounds that are shown: of pass@k and maj@k only the largest k."""
    if row.test is None:
        return {}
    k = max(row.test.pass_at_k, default=1)
    names = ("greedy", "sampled", f"pass@{k}", f"maj@{k}")
    return {name: row.test.bounds[name] for name in names if name in row.test.bounds}


def estimate(row: IterationResult, name: str) -> Interval | None:
    """Return an estimate of the policy on test by its usual name: greedy, sampled, pass@4, maj@4."""
    if row.test is None:
        return None
    kind, _, k = name.partition("@")
    by_k = {"pass": row.test.pass_at_k, "maj": row.test.maj_at_k}
    return by_k[kind].get(int(k)) if k else {"greedy": row.test.greedy, "sampled": row.test.sampled}[kind]


def policy_name(row: IterationResult) -> str:
    return "base" if row.number == 0 else f"iteration {row.number}"


def _failures(test: PolicyScore | None) -> list[str]:
    parts = (test.greedy_tally, test.sampled_tally) if test else ()
    lines = [percent(tally.format_failures) for tally in parts if tally.samples]
    return lines or [NOTHING]


def _seconds(row: IterationResult) -> list[str]:
    lines = [
        f"{stage} {spent:,.0f}{' (stored)' if row.cached.get(stage) else ''}" for stage, spent in row.seconds.items()
    ]
    return lines or [NOTHING]


def _addresses(result: RunResult) -> str:
    rows = [
        [policy_name(row), plain(name), code(address)]
        for row in result.rows
        for name, address in addresses(row).items()
    ]
    return markdown_table(["policy", "artifact", "address"], rows) if rows else ""


def addresses(row: IterationResult) -> Mapping[str, str]:
    """Return the addresses of the iteration's artifacts and logs."""
    return {**row.refs, **row.links}
