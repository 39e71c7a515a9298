"""Runs the loop in this process: it makes every check, then finds or starts an API, then runs the flow."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from flows.cli.terminal import complain, quieten, stop_at_second_interrupt
from flows.cli.text import show_comparison, show_result
from flows.comparison.design import Comparison
from flows.config import RunConfig
from flows.operation.server.api import check_api, configured_url, prefect_api
from flows.planning.stored_run import stored_run
from flows.run.preflight import Checked, preflight, workspace_of
from tasks.domain.run_result import RunResult
from tasks.store.places import ComparisonPlaces
from tasks.store.progress import console


@dataclass(frozen=True)
class Launched:
    """A finished run and where its report lies."""

    result: RunResult
    report: str


def launch(config: RunConfig, verbose: bool = False) -> Launched:
    """Check everything before anything is started, then do the run, or read it from the store where all of it is there.

    A configured API records every run, whatever is stored: people look there. Without one nobody does.
    """
    check_api()
    checked = preflight(config)
    result = (None if configured_url() else stored_run(checked)) or _done(checked, verbose)
    return Launched(result, checked.workspace.store.uri(checked.workspace.places.report))


def _done(checked: Checked, verbose: bool) -> RunResult:
    """Run the flow against the configured API or one of our own."""
    from flows.self_train import run_here

    quieten(verbose)  # again: importing Prefect set its loggers up anew
    with prefect_api(_home()):
        console().print(
            f"run {checked.config.run.name}: its checks are done, the base comes first ...", highlight=False
        )
        return run_here(checked)


def _home() -> Path:
    return Path(os.environ.get("PREFECT_HOME", ".restem/prefect"))


def launch_and_show(config: RunConfig, arguments: argparse.Namespace) -> int:
    """Launch the run and print its table; Ctrl-C lets requests in flight end. The exit code is 0."""
    quieten(arguments.verbose)
    with stop_at_second_interrupt(complain):
        launched = launch(config, arguments.verbose)
    show_result(arguments, launched.result, launched.report)
    if not arguments.json:
        print(f"look at it: restem view {config.run.store}")
    return 0


def launch_comparison(comparison: Comparison, arguments: argparse.Namespace) -> int:
    """Run a comparison and print its tables; the exit code is 1 when a cell ended early."""
    from flows.compare import compare_here
    from flows.comparison.checks import checked_cells

    quieten(arguments.verbose)
    check_api()
    cells = checked_cells(comparison.only(arguments.only))
    with stop_at_second_interrupt(complain), prefect_api(_home()):
        result = compare_here(comparison, cells, tuple(arguments.overrides))
    page = workspace_of(comparison.cells[0].config).store.uri(ComparisonPlaces(result.name).report)
    show_comparison(arguments, result, page)
    return 1 if result.failures else 0
