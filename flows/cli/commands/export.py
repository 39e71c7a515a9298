"""`restem export RUN DIR`: a trained policy as a folder of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.cli.arguments import iteration, store_argument, store_of
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("folder", metavar="DIR", type=Path, help="a new or an empty folder")
    parser.add_argument("--iteration", type=iteration, metavar="I", help="default: the best on val")
    parser.add_argument("--push-hub", metavar="ID", help="Hub repository; the token comes from the environment")
    parser.add_argument("--push", metavar="URL", help="any fsspec address, for example s3://bucket/models/mine")
    parser.add_argument(
        "--license", metavar="ID", help="the base's licence (default: what the card in its folder says)"
    )
    store_argument(parser)


def export_model(arguments: argparse.Namespace) -> int:
    store = store_of(arguments)
    from flows.cli.text import show
    from flows.stored.export import export

    made = export(
        store, arguments.run, arguments.folder, arguments.iteration, arguments.push_hub, arguments.push, arguments.license
    )  # fmt: skip
    places = ", ".join([str(made.folder), *made.pushed])
    return show(arguments, made, lambda: f"policy {made.policy}, iteration {made.iteration}: {places}")


COMMAND = command(
    "export",
    "a trained policy as a folder, and pushed to the Hub or a store on request",
    declare_arguments,
    export_model,
    place=70,
)
