"""`restem run CONFIG.toml`: the whole loop of a config."""

from __future__ import annotations

import argparse

from flows.cli.arguments import config_arguments, config_of
from flows.cli.command import command


def run_config(arguments: argparse.Namespace) -> int:
    """Run a config, which is read first, so that a mistake in it is reported before anything slow is imported."""
    config = config_of(arguments, arguments.config)
    from flows.cli.launch import launch_and_show

    return launch_and_show(config, arguments)


COMMAND = command(
    "run",
    "run a config's whole loop; what is in the store is used, not done again",
    config_arguments,
    run_config,
    place=10,
)
