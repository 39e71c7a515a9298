"""`restem export RUN DIR`: a trained policy as a folder of its own, or with `--data` what the run drew, kept and refused."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from flows.cli.arguments import iteration, store_argument, store_of
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("folder", metavar="DIR", type=Path, help="a new or an empty folder")
    parser.add_argument("--data", action="store_true", help="the run's data sets, with a card, in place of a policy")
    parser.add_argument("--iteration", type=iteration, metavar="I", help="default: the best on val")
    parser.add_argument("--push-hub", metavar="ID", help="Hub repository; the token comes from the environment")
    parser.add_argument("--push", metavar="URL", help="any fsspec address, for example s3://bucket/models/mine")
    parser.add_argument(
        "--license",
        metavar="ID",
        help="the base's licence (default: what the card in its folder says); with --data, that of the data set",
    )
    store_argument(parser)


def export_model(arguments: argparse.Namespace) -> int:
    store = store_of(arguments)
    from flows.cli.text import show

    if arguments.data:
        return export_data_sets(arguments, store)
    from flows.stored.export import export

    made = export(
        store, arguments.run, arguments.folder, arguments.iteration, arguments.push_hub, arguments.push, arguments.license
    )  # fmt: skip
    places = ", ".join([str(made.folder), *made.pushed])
    return show(arguments, made, lambda: f"policy {made.policy}, iteration {made.iteration}: {places}")


def export_data_sets(arguments: argparse.Namespace, store: Any) -> int:
    from flows.cli.text import columns, show
    from flows.stored.data_export import export_data

    only = None if arguments.iteration is None else (arguments.iteration,)
    made = export_data(
        store, arguments.run, arguments.folder, only, arguments.push_hub, arguments.push, arguments.license
    )
    rows = [(one.config, one.split, f"{one.rows:,}") for one in made.files]
    places = ", ".join([str(made.folder), *made.pushed])
    return show(arguments, made, lambda: f"{columns(rows, ('config', 'split', 'rows'))}\n\ndata set: {places}")


COMMAND = command(
    "export",
    "a trained policy or the data sets as a folder, and pushed to the Hub or a store on request",
    declare_arguments,
    export_model,
    place=70,
)
