"""`restem doctor`: is this machine ready? With a config: are its model and its data?"""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.cli.arguments import absolute, config_of, scratch_argument, set_argument, store_argument
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", nargs="?", metavar="CONFIG.toml", help="also look at this run's model, prompts and data"
    )
    set_argument(parser)
    scratch_argument(parser)
    store_argument(parser)


def examine_machine(arguments: argparse.Namespace) -> int:
    """Print every finding; the exit code is 1 when something will not work."""
    from flows.cli.text import findings_text, show
    from flows.operation.doctor import examine

    findings = examine(absolute(arguments.store), Path(arguments.scratch))
    if arguments.config:
        from flows.operation.doctor_model import examine_model

        findings += examine_model(config_of(arguments, arguments.config))
    show(arguments, findings, lambda: findings_text(findings))
    return int(any(finding.status == "fault" for finding in findings))


COMMAND = command(
    "doctor",
    "engine, GPU, Docker, store, Prefect, disk, memory, and a config's model; what to do about each",
    declare_arguments,
    examine_machine,
    place=90,
)
