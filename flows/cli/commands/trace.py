"""`restem trace RUN --sample ID | --model [ITERATION] | --cell ARM/SEED`: the lineage of a row, a model or a comparison's cell."""

from __future__ import annotations

import argparse

from flows.cli.arguments import iteration, store_argument, store_of
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run, or for --cell a comparison")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--sample", metavar="ID", help="PROBLEM/INDEX, as in a data set's columns")
    what.add_argument(
        "--model", nargs="?", const=0, type=iteration, metavar="ITERATION", help="default: the best on val"
    )
    what.add_argument("--cell", metavar="ARM/SEED[/ROUND]", help="of a comparison; default: its last round")
    store_argument(parser)


def show_trace(arguments: argparse.Namespace) -> int:
    store = store_of(arguments)
    from flows.cli.text import model_text, sample_text, show
    from flows.stored.trace import trace_model, trace_sample

    if arguments.cell is not None:
        from flows.cli.text import cell_text
        from flows.stored.comparisons import trace_cell

        cell = trace_cell(store, arguments.run, arguments.cell)
        return show(arguments, cell, lambda: cell_text(cell))
    if arguments.sample is None:
        model = trace_model(store, arguments.run, arguments.model or None)
        return show(arguments, model, lambda: model_text(model))
    samples = trace_sample(store, arguments.run, arguments.sample)
    return show(arguments, samples, lambda: "\n\n".join(map(sample_text, samples)))


COMMAND = command(
    "trace",
    "where a sample, a model or a figure comes from, and what came of it",
    declare_arguments,
    show_trace,
    place=60,
)
