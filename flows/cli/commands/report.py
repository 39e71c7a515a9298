"""`restem report RUN`: the table of a run, or the tables of a comparison."""

from __future__ import annotations

import argparse

from flows.cli.arguments import store_argument, store_of
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run or a comparison")
    parser.add_argument("--analyses", action="store_true", help="also the paper's analyses, as on the page")
    store_argument(parser)


def show_report(arguments: argparse.Namespace) -> int:
    store = store_of(arguments)
    from flows.cli.text import show_analyses, show_comparison, show_result
    from flows.stored.comparisons import comparison_result, record_of
    from flows.stored.runs import read_result, run_names
    from tasks.store.places import ComparisonPlaces, RunPlaces

    record = record_of(store, arguments.run) if arguments.run not in run_names(store) else None
    if record is not None:
        show_comparison(arguments, comparison_result(store, record), store.uri(ComparisonPlaces(record.name).report))
        return 0
    result = read_result(store, arguments.run)
    show_result(arguments, result, store.uri(RunPlaces(arguments.run).report))
    if arguments.analyses and not arguments.json:
        show_analyses(result)
    return 0


COMMAND = command("report", "the table of a run and where its page lies", declare_arguments, show_report, place=40)
