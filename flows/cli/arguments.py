"""Arguments that several commands take: how they are declared, and what is made of them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from flows.places import default_places, default_scratch, default_store

if TYPE_CHECKING:
    from flows.comparison.design import Comparison
    from flows.config import RunConfig
    from tasks.store.artifacts import Store


def config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG.toml")
    set_argument(parser)


def set_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", dest="overrides", help="override one setting"
    )


def store_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", default=default_store(), metavar="URL", help=f"folder or s3:// (default {default_store()})"
    )


def scratch_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scratch", default=default_scratch(), metavar="DIR", help="run.scratch of the runs")


def folder_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", default=".restem/up", metavar="DIR", help="state, database and logs (.restem/up)")


def port(text: str) -> int:
    """The type of an argument that names a port."""
    if text.strip("0") and text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not the number of a port (1 to 65535)")


def port_or_any(text: str) -> int:
    """The same where 0 stands for a free one."""
    return 0 if text == "0" else port(text)


def iteration(text: str) -> int:
    """The type of an argument that numbers a trained policy."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of an iteration (1, 2, ...)")
    return int(text)


def config_of(arguments: argparse.Namespace, path: str | Path) -> RunConfig:
    """Read the config of that file, with the `--set` overrides of the command line applied."""
    from flows.config import load_config

    return load_config(path, tuple(arguments.overrides), below=default_places())


def comparison_of(arguments: argparse.Namespace) -> Comparison:
    """The same of a comparison's config."""
    from flows.comparison.design import load_comparison

    return load_comparison(arguments.config, arguments.overrides, below=default_places())


def store_of(arguments: argparse.Namespace, named: str = "with --store") -> Store:
    """Return the store to read; UserError when it does not exist, because a reading command never makes one.

    `named` says how this command is told another store.
    """
    from tasks.domain.errors import UserError
    from tasks.store.artifacts import Store

    store = Store(absolute(arguments.store))
    if store.is_local and not Path(store.root).is_dir():
        here = "" if os.path.isabs(os.path.expanduser(arguments.store)) else f" in {os.getcwd()}"
        raise UserError(
            f"there is no store at {arguments.store!r}{here}; name the folder or s3:// address of one {named}"
        )
    return store


def absolute(url: str) -> str:
    """Make a folder an absolute path; an address with a protocol stays as it is."""
    return url if "://" in url else os.path.abspath(os.path.expanduser(url))
