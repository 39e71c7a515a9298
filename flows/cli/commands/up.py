"""`restem up`: a server and workers on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from flows.cli.arguments import absolute, folder_argument, port
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="default: loopback; any other address needs a secret")
    parser.add_argument("--port", type=port, default=4200)
    parser.add_argument("--pool", action="append", choices=["gpu", "cpu"], help="worker pools here (default: both)")
    parser.add_argument(
        "--store", default="", metavar="URL", help="what the viewer shows (default: .restem/store of the checkout)"
    )
    parser.add_argument(
        "--database", default="", metavar="URL",
        help="postgresql+asyncpg://USER@HOST:PORT/NAME, its password in PGPASSWORD or PGPASSFILE (default: SQLite in --folder)",
    )  # fmt: skip
    folder_argument(parser)


def start_machine(arguments: argparse.Namespace) -> int:
    from flows.operation.server.up import up

    pools = tuple(arguments.pool or ("gpu", "cpu"))
    machine = up(
        Path(arguments.folder), arguments.host, arguments.port, pools, lambda text: print(text, file=sys.stderr),
        absolute(arguments.store) if arguments.store else "", arguments.database,
    )  # fmt: skip
    print(machine.url if not arguments.json else f'{{"api": "{machine.url}"}}')
    return 0


COMMAND = command(
    "up",
    "a Prefect server, workers, deployments and the viewer on this machine; prints the address",
    declare_arguments,
    start_machine,
    place=100,
)
