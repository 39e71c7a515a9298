"""`restem view [STORE]`: the runs of a store in a browser."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from flows.cli.arguments import port_or_any, scratch_argument, store_of
from flows.cli.command import command
from flows.places import default_store


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "store",
        nargs="?",
        default=default_store(),
        metavar="STORE",
        help=f"folder or s3:// (default {default_store()})",
    )
    parser.add_argument("--port", type=port_or_any, default=4300, help="on loopback (default 4300; 0: a free one)")
    scratch_argument(parser)


def view_store(arguments: argparse.Namespace) -> int:
    """Serve the pages until Ctrl-C; the address goes to standard output, everything else to standard error."""
    store = store_of(arguments, "behind `restem view`")
    from flows.viewer.serve import serve

    if not store.is_local:
        print("this store is remote: pages that read it are slower than those of a folder", file=sys.stderr)
    serve(store, Path(arguments.scratch).absolute(), arguments.port, lambda address: print(address, flush=True))
    return 0


COMMAND = command(
    "view", "the runs of a store in a browser: samples, problems, comparisons; reads only", declare_arguments, view_store, place=45
)  # fmt: skip
