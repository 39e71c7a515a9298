"""A comparison as a flow: every cell is a run of the loop, one after another, with one engine; what is stored is not done again.

Cells run seed by seed. A cell whose method ends in a refusal of its own (nothing accepted, say) is noted and the others go on;
everything else ends the comparison, and the same command goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from prefect import flow, runtime, tags
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed, Failed

from flows.comparison.checks import CheckedCell, checked_cells
from flows.comparison.design import Comparison
from flows.comparison.record import begin, put, write_pages
from flows.loop.em import em_loop
from flows.operation.boundary import deployed_config
from flows.operation.flow_run import RUNNER
from flows.operation.form import ComparisonName, comparison_from_form
from flows.operation.names import comparison_name
from flows.operation.our_runs import OURS
from flows.operation.shown import publish_artifacts
from flows.planning.plan import plan_of
from flows.run.fleet import executor_for
from flows.run.preflight import Checked, open_run
from flows.run.recorder import Recorder
from flows.run.run import Journal
from flows.stored.comparisons import ComparisonRecord
from flows.stored.runs import result_of
from tasks.domain.arms import ComparisonResult
from tasks.domain.errors import StageFailed, one_sentence
from tasks.domain.run_result import RunResult
from tasks.engines.sampling.host import close_all
from tasks.report.comparison import comparison_markdown, headline
from tasks.report.keys import artifact_key
from tasks.store.workspace import log

ENDED = ("completed", "stopped")
Publish = Callable[[ComparisonResult], None]


@flow(
    name="compare", flow_run_name=comparison_name, task_runner=RUNNER, persist_result=False, validate_parameters=False
)
def compare(start_from: ComparisonName = "compare-demo", only: str = "", settings: tuple[str, ...] = ()) -> Any:
    """Run several methods over several seeds on the same base, problems and budget, and compare them.

    Args:
        start_from: A committed config of a comparison (deployments/configs).
        only: Run only these arms, separated by commas; empty: all.
        settings: Further settings as section.key=value, one a line; they win over everything.
    """
    found: list[Comparison] = []
    arms = [name.strip() for name in only.split(",") if name.strip()]

    def read() -> Any:
        found.append(comparison_from_form(start_from, settings))
        return found[0].only(arms)[0].config

    def work(checked: Checked, journal: Journal) -> Any:
        cells = checked_cells(found[0].only(arms), first=checked)
        result = whole_comparison(found[0], cells, settings, journal, publish_comparison)
        return (Failed if result.failures else Completed)(message=headline(result))

    return deployed_config(read, work, shows=False)


def compare_here(comparison: Comparison, cells: Sequence[CheckedCell], overrides: tuple[str, ...]) -> ComparisonResult:
    """Run these cells as a flow of this process, whose failures are raised to the caller."""

    @flow(name="compare", flow_run_name=comparison.settings.name, task_runner=RUNNER, persist_result=False)
    def compare() -> ComparisonResult:
        """Run every cell of the comparison that is not in the store."""
        return whole_comparison(comparison, cells, overrides, Journal(), lambda result: None)

    with tags(OURS):
        return compare()


def whole_comparison(
    comparison: Comparison, cells: Sequence[CheckedCell], overrides: tuple[str, ...], journal: Journal, publish: Publish
) -> ComparisonResult:
    """Run those of the cells that are not stored, and keep the page up to date after each."""
    store = cells[0].checked.workspace.store
    record = begin(store, comparison, overrides)
    result = write_pages(store, record)
    try:
        for number, one in enumerate(cells, start=1):
            log.info("cell %d of %d: %s", number, len(cells), one.cell.config.run.name)
            record = put(store, _noting(record, one, run_cell(one, journal)))
            result = write_pages(store, record)
            publish(result)
    finally:
        close_all()
    return result


def run_cell(one: CheckedCell, journal: Journal) -> str:
    """Run one cell unless all of it is stored; return why it ended early, or nothing."""
    if is_stored(one.checked):
        return ""
    journal.config = one.checked.config

    @flow(name="cell", flow_run_name=one.cell.config.run.name, task_runner=RUNNER, persist_result=False)
    def cell(arm: str, seed: int) -> RunResult:
        """Run the loop of one arm and seed."""
        return _loop(one.checked, journal)

    try:
        with tags(*runtime.flow_run.tags):  # its heartbeats are looked for as the comparison's are
            cell(one.cell.arm.name, one.cell.seed)
    except StageFailed as error:
        log.warning("%s ended early: %s", one.cell.config.run.name, one_sentence(error))
        return one_sentence(error)
    return ""


def is_stored(checked: Checked) -> bool:
    """Return whether the run has ended and every stage of it is in the store as the present code would make it."""
    result = result_of(checked.workspace.store, checked.workspace.run)
    return result is not None and result.status in ENDED and plan_of(checked).all_stored


def publish_comparison(result: ComparisonResult) -> None:
    """Show the tables beside the flow run; each call adds a version."""
    create_markdown_artifact(
        comparison_markdown(result), key=artifact_key("comparison", result.name),
        description=f"{result.name}: {result.done} of {result.cells} runs; the page: comparisons/{result.name}/report.html",
    )  # fmt: skip


def _loop(checked: Checked, journal: Journal) -> RunResult:
    with (
        open_run(checked, executor_for(checked.config), journal, close=lambda: None) as opened,
        Recorder(opened, publish_artifacts) as record,
    ):
        return em_loop(opened, record)


def _noting(record: ComparisonRecord, one: CheckedCell, failure: str) -> ComparisonRecord:
    run = one.cell.config.run.name
    return replace(
        record, cells=tuple(replace(cell, failure=failure) if cell.run == run else cell for cell in record.cells)
    )
