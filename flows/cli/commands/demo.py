"""`restem demo`: the whole loop on built-in problems, as the committed config of the task says."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.cli.arguments import config_of, set_argument
from flows.cli.command import command

CONFIGS = Path(__file__).parents[3] / "deployments" / "configs"
DEMO_CONFIGS = {"arithmetic": CONFIGS / "demo.toml", "programs": CONFIGS / "demo-programs.toml"}


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--task", default="arithmetic", choices=sorted(DEMO_CONFIGS), help="built-in problems; programs needs Docker"
    )
    set_argument(parser)


def run_demo(arguments: argparse.Namespace) -> int:
    config = config_of(arguments, DEMO_CONFIGS[arguments.task])
    from flows.cli.launch import launch_and_show

    return launch_and_show(config, arguments)


COMMAND = command(
    "demo", "the whole loop on built-in problems with a tiny model", declare_arguments, run_demo, place=20
)
