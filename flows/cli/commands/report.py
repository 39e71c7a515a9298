"""`restem report RUN`: the table of a run."""

from __future__ import annotations

import argparse

from flows.cli.arguments import store_argument, store_of
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    store_argument(parser)


def show_report(arguments: argparse.Namespace) -> int:
    store = store_of(arguments)
    from flows.cli.text import show_result
    from flows.stored.runs import read_result
    from tasks.store.places import RunPlaces

    result = read_result(store, arguments.run)
    show_result(arguments, result, store.uri(RunPlaces(arguments.run).report))
    return 0


COMMAND = command("report", "the table of a run and where its page lies", declare_arguments, show_report, place=40)
