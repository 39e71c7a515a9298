"""The command line's answers as plain text that reads the same in a terminal, a pipe and a log."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasks.domain.amounts import duration, size
from tasks.domain.visible import visible

if TYPE_CHECKING:
    from flows.comparison.planned import ComparisonPlan, Sensitivity
    from flows.operation.doctor import Finding
    from flows.planning.plan import Plan
    from flows.stored.comparisons import CellTrace
    from flows.stored.gc import Cleaning
    from flows.stored.ls import Listing
    from flows.stored.trace import ModelTrace, SampleTrace


def show(arguments: argparse.Namespace, value: Any, text: Callable[[], str]) -> int:
    """Print `value` as JSON where `--json` asks for it, else `text()`; the exit code is 0."""
    print(visible(as_json(value) if arguments.json else text()))  # as JSON writes them, too
    return 0


def shown_width() -> int | None:
    """Return the width that tables must fit: `COLUMNS` where it is set, else that of the terminal; None in a pipe."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns):
        return int(columns)
    return os.get_terminal_size(sys.stdout.fileno()).columns or None if sys.stdout.isatty() else None


def show_result(arguments: argparse.Namespace, result: Any, page: str) -> None:
    """Print the tables of a run (a `RunResult`), and where its page lies."""
    from tasks import report

    print(report.as_json(result) if arguments.json else visible(report.as_table(result, shown_width())))
    print(f"report: {page}", file=sys.stderr if arguments.json else sys.stdout)


def show_analyses(result: Any) -> None:
    """Print the sections that a run's page has below its table."""
    from tasks.report.analyses import run_analyses

    print("\n" + visible("\n\n".join(map(section_text, run_analyses(result)))))


def show_comparison(arguments: argparse.Namespace, result: Any, page: str) -> None:
    """Print the tables of a comparison (a `ComparisonResult`), and where its page lies."""
    from tasks.report.comparison import comparison_sections, headline
    from tasks.report.layout import wrapped

    sections = comparison_sections(result)
    if arguments.json:
        print(as_json({"name": result.name, "status": result.status, "sections": sections}))
    else:
        width = shown_width()
        print("\n\n".join([wrapped(headline(result), width), *(section_text(one, width) for one in sections)]))
    print(f"report: {page}", file=sys.stderr if arguments.json else sys.stdout)


def section_text(section: Any, width: int | None = None) -> str:
    """Return the title and the table of a report's `Section`, within a width where there is one."""
    from tasks.report.layout import grid, laid_out, wrapped

    table = laid_out(grid(section.head, section.rows), width) if section.rows else ""
    parts = [section.title.upper(), table, wrapped(section.reading, width)]
    return "\n".join(part for part in parts if part)


def columns(rows: Iterable[Sequence[object]], head: Sequence[str] = ()) -> str:
    """Lay out left-aligned columns, two spaces apart; the last column is neither padded nor cut."""
    cells = [list(map(str, row)) for row in ([head, *rows] if head else rows)]
    widths = [max((len(row[at]) for row in cells), default=0) for at in range(len(cells[0]) if cells else 0)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)


def plan_text(plan: Plan) -> str:
    rows = [
        (step.iteration, step.phase, step.state, f"{step.samples:,}" if step.samples else "", step.why)
        for step in plan.steps
    ]
    table = columns(rows, ("iteration", "phase", "state", "samples", "why"))
    left_out = (
        f"\n{plan.left_out} train problems would be left out: their gold fails its own grader" if plan.left_out else ""
    )
    if plan.all_stored:
        return f"{table}{left_out}\n\nall of it is in the store {plan.store}: a run samples and trains nothing"
    amounts = plan.amounts
    scratch = f", {size(amounts.scratch_bytes)} of scratch while training" if amounts.scratch_bytes else ""
    return (
        f"{table}{left_out}\n\nat most {amounts.samples:,} samples, {amounts.tokens:,} tokens, {size(amounts.store_bytes)} in "
        f"{plan.store}{scratch}, about {duration(amounts.seconds)}\nestimated from {amounts.basis}; nothing was started"
    )


def comparison_plan_text(plan: ComparisonPlan) -> str:
    rows = [
        (cell.arm, cell.seed, cell.rounds, cell.state, f"{cell.amounts.samples:,}" if cell.amounts.samples else "",
         duration(cell.amounts.seconds) if cell.amounts.seconds >= 1 else "")
        for cell in plan.cells
    ]  # fmt: skip
    table = columns(rows, ("arm", "seed", "rounds", "state", "samples", "time"))
    amounts = plan.amounts
    return (
        f"{table}\n\nat most {amounts.samples:,} samples, {amounts.tokens:,} tokens, {size(amounts.store_bytes)} in {plan.store}, about "
        f"{duration(amounts.seconds)}; what cells share is counted once\nestimated from {amounts.basis}; nothing was started\n\n"
        f"{sensitivity_text(plan.sensitivity)}"
    )


def sensitivity_text(found: Sensitivity) -> str:
    """Say what the design can find; a difference below it is usually missed."""
    seeds, problems = found.over_seeds, found.over_problems
    spread = f"{100 * seeds.spread:.1f} points, {'as measured' if found.measured else 'assumed (compare.seed_spread)'}"
    over_seeds = (
        f"over {seeds.units} seeds {100 * seeds.difference:.1f} points ({100 * found.corrected.difference:.1f} with all arms corrected "
        f"for, at worst); the spread of a paired difference over seeds is {spread}"
        if seeds.units > 1
        else "one seed says nothing about other seeds"
    )
    return (
        f"minimal detectable effect (found in {seeds.power:.0%} of comparisons, at 5 %): over {problems.units} test problems "
        f"{100 * problems.difference:.1f} points, where arms differ on {problems.spread**2:.0%} of them (compare.discordant); {over_seeds}"
    )


def cell_text(trace: CellTrace) -> str:
    rows = [
        ("cell", f"{trace.arm}, seed {trace.seed}, round {trace.round} of comparison {trace.comparison}"),
        ("run", trace.run),
        *(("command", command) for command in trace.commands),
        *trace.figures.items(),
        *trace.artifacts.items(),
    ]
    model = f"\n\n{model_text(trace.model)}" if trace.model else ""
    return columns(rows) + model


def listing_text(listing: Listing) -> str:
    runs = [(run.name, run.status, run.iterations, run.finished or "-") for run in listing.runs]
    models = [
        (model.run, model.iteration, model.digest, "-" if model.val_reward is None else f"{model.val_reward:.3f}",
         size(model.bytes) if model.bytes else "removed")
        for run in listing.runs for model in run.models
    ]  # fmt: skip
    stages = [(stage, size(count)) for stage, count in listing.bytes_by_stage.items() if count]
    parts = [
        columns(runs, ("run", "status", "iterations", "finished")) if runs else f"no runs in {listing.store}",
        columns(models, ("model of run", "iteration", "policy", "val reward", "weights")) if models else "",
        columns([*stages, ("all", size(listing.bytes))], ("stage", "bytes")),
    ]
    return "\n\n".join(part for part in parts if part)


def sample_text(trace: SampleTrace) -> str:
    sample, verdict = trace.sample, trace.verdict
    rows = [
        ("place", trace.slot),
        ("policy", f"{trace.policy} ({trace.policy_uri})"),
        ("engine", trace.engine),
        ("sampling", json.dumps(trace.sampling)),
        ("tokens", f"{sample.prompt_tokens} + {sample.completion_tokens}, ended by {sample.finish_reason}"),
        ("gold", trace.gold or "-"),
        (
            "verdict",
            f"{verdict.label}, reward {verdict.reward}, {json.dumps(verdict.evidence)}" if verdict else "none stored",
        ),
        ("verifier", trace.verifier or "-"),
        ("data set", _data_set(trace)),
        *(
            ("trained", f"finetune/{one.key}: policies {', '.join(one.policies)}{_chosen(one.chosen)}")
            for one in trace.trained
        ),
    ]
    prompt = trace.prompt if trace.prompt is not None else "(the template has changed since: its digest differs)"
    return f"{columns(rows)}\nprompt\n{_indented(prompt)}\ncompletion\n{_indented(sample.text)}"


def model_text(trace: ModelTrace) -> str:
    reward = "-" if trace.val_reward is None else f"{trace.val_reward:.3f}"
    rows = [
        (
            "model",
            f"{trace.digest}, iteration {trace.iteration} of run {trace.run}, epoch {trace.epoch}, val reward {reward}",
        ),
        ("weights", trace.uri),
        ("data set", f"{trace.dataset['digest']}, {trace.dataset_rows} rows ({trace.dataset['uri']})"),
        ("sampled from", f"policy {trace.sampled_from}"),
        ("graded by", ", ".join(trace.verifier) or "-"),
        ("started from", f"{trace.start['digest']} ({trace.start['uri']})"),
        ("parents", " <- ".join(trace.parents)),
        ("settings", json.dumps(trace.settings)),
        ("code", trace.commit),
        ("libraries", ", ".join(f"{name} {version}" for name, version in trace.libraries.items())),
        ("made", datetime.fromtimestamp(trace.created, UTC).isoformat(timespec="seconds")),
    ]
    return columns(rows)


def cleaning_text(cleaning: Cleaning, dry_run: bool) -> str:
    verb = "would remove" if dry_run else "removed"
    rows = [(size(one.bytes), one.path, one.why) for one in cleaning.removals]
    table = f"{columns(rows)}\n" if rows else ""
    return f"{table}{verb} {len(rows)} things, {size(cleaning.bytes)}; {len(cleaning.kept)} policies are kept"


def findings_text(findings: Iterable[Finding]) -> str:
    return columns(
        (one.part, one.status, f"{one.found}{f'; to do: {one.todo}' if one.todo else ''}") for one in findings
    )


def as_json(value: Any) -> str:
    """Return nested dataclasses, dictionaries and lists as strict JSON."""

    def plain(inner: Any) -> Any:
        return asdict(inner) if is_dataclass(inner) and not isinstance(inner, type) else str(inner)

    return json.dumps(value, indent=1, ensure_ascii=False, default=plain)


def _data_set(trace: SampleTrace) -> str:
    if trace.dataset is None:
        return "none: it was drawn to evaluate" if "/train/" not in trace.slot else "not made yet"
    where = f"materialize/{trace.dataset}"
    return f"{where}, weight {trace.row.weight:g}" if trace.row else f"{where} does not hold it"


def _chosen(digest: str | None) -> str:
    return f"; chosen: {digest}" if digest else ""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
