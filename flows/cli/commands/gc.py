"""`restem gc`: make room in a store."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.cli.arguments import scratch_argument, store_argument, store_of
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    parser.add_argument(
        "--keep", type=int, default=2, metavar="N", help="keep the last N policies of each run (default 2)"
    )
    scratch_argument(parser)
    store_argument(parser)


def collect(arguments: argparse.Namespace) -> int:
    store = store_of(arguments)
    from flows.cli.text import cleaning_text, show
    from flows.stored.gc import clean
    from tasks.domain.errors import UserError

    if arguments.keep < 1:
        raise UserError(f"--keep is {arguments.keep}; at least the last policy of a run must stay")
    made = clean(store, Path(arguments.scratch), arguments.keep, dry_run=arguments.dry_run)
    return show(arguments, made, lambda: cleaning_text(made, arguments.dry_run))


COMMAND = command(
    "gc",
    "remove weights that no run keeps, attempts that never finished, training states",
    declare_arguments,
    collect,
    place=80,
)
