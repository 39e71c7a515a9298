"""Keeps the record and the page of a comparison in the store, as far as its runs have come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flows.comparison.design import Cell, CompareSettings, Comparison
from flows.stored.analyses import analyses
from flows.stored.comparisons import ComparedRun, ComparisonRecord, comparison_result, record_of
from tasks.domain.arms import ComparisonResult
from tasks.report.comparison import comparison_html, comparison_markdown
from tasks.store.artifacts import Store
from tasks.store.places import ComparisonPlaces


def begin(store: Store, comparison: Comparison, overrides: Sequence[str] = ()) -> ComparisonRecord:
    """Store the record of a comparison; failures that an earlier attempt noted stay until their cell is run again."""
    settings = comparison.settings
    before = record_of(store, settings.name)
    failures = {(one.arm, one.seed): one.failure for one in before.cells} if before else {}
    record = ComparisonRecord(
        settings.name, settings.compared_with, settings.metric, budget_sentence(settings), comparison.origin,
        tuple(overrides), {cell.arm.name: cell.arm.method for cell in comparison.cells},
        tuple(_compared(cell, failures) for cell in comparison.cells), comparison.tree, notes_of(comparison),
    )  # fmt: skip
    return put(store, record)


def put(store: Store, record: ComparisonRecord) -> ComparisonRecord:
    """Write the record and return it."""
    store.write_json(ComparisonPlaces(record.name).record, record.to_json())
    return record


def write_pages(store: Store, record: ComparisonRecord) -> ComparisonResult:
    """Write report.html and report.md from what is stored now, and return the result that they show."""
    result, places = comparison_result(store, record), ComparisonPlaces(record.name)
    further = analyses(store, result)
    store.write_bytes(places.report, comparison_html(result, further).encode())
    store.write_bytes(places.markdown, comparison_markdown(result, further).encode())
    return result


def budget_sentence(settings: CompareSettings) -> str:
    """Return in words what an arm may spend."""
    if settings.amount is None:
        return "Budget: none; each method spends what it asks for."
    unit = {"samples": "samples a train problem", "tokens": "completion tokens", "steps": "optimizer steps"}
    each = "drawn for training" if settings.budget != "steps" else "made in training"
    return f"Budget of an arm and seed: at most {settings.amount:,} {unit[settings.budget]}, {each}, over all rounds."


def notes_of(comparison: Comparison) -> tuple[str, ...]:
    """Return one note on each arm whose settings the budget changed, so that nobody takes them for the method's own."""
    if comparison.settings.amount is None or comparison.settings.budget != "samples":
        return ()
    first = {cell.arm.name: cell.config for cell in reversed(comparison.cells)}
    lines = [
        f"{name}: {config.loop.iterations} x {'+'.join(map(str, config.generate.waves))}, cap {config.materialize.cap}"
        for name, config in reversed(first.items())
    ]
    return ("Rounds x samples a problem, and cap, as the budget makes them: " + "; ".join(lines) + ".",)


def _compared(cell: Cell, failures: Mapping[tuple[str, int], str]) -> ComparedRun:
    return ComparedRun(cell.arm.name, cell.seed, cell.config.run.name, failures.get((cell.arm.name, cell.seed), ""))
