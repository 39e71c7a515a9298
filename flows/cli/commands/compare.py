"""`restem compare CONFIG.toml`: several methods over several seeds on the same base, problems and budget."""

from __future__ import annotations

import argparse

from flows.cli.arguments import comparison_of, config_arguments
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    config_arguments(parser)
    parser.add_argument(
        "--only", metavar="ARM", action="append", default=[],
        help="run only this arm, or several (repeat it); the page shows all that is stored",
    )  # fmt: skip


def compare_config(arguments: argparse.Namespace) -> int:
    """Run a comparison; its config is read first, so that a mistake in it is reported before anything slow is imported."""
    comparison = comparison_of(arguments)
    comparison.only(arguments.only)
    from flows.cli.launch import launch_comparison

    return launch_comparison(comparison, arguments)


COMMAND = command(
    "compare",
    "methods x seeds on the same base, problems and budget; what is in the store is used, not done again",
    declare_arguments,
    compare_config,
    place=15,
)
