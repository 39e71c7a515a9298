"""`restem doctor`: is this machine ready?"""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.cli.arguments import absolute, scratch_argument, store_argument
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    scratch_argument(parser)
    store_argument(parser)


def examine_machine(arguments: argparse.Namespace) -> int:
    """Print every finding; the exit code is 1 when something will not work."""
    from flows.cli.text import findings_text, show
    from flows.operation.doctor import examine

    findings = examine(absolute(arguments.store), Path(arguments.scratch))
    show(arguments, findings, lambda: findings_text(findings))
    return int(any(finding.status == "fault" for finding in findings))


COMMAND = command(
    "doctor",
    "engine, GPU, Docker, store, Prefect, disk, memory; what to do about each",
    declare_arguments,
    examine_machine,
    place=90,
)
