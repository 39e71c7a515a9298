"""`restem config schema [FILE]`: what a config may hold, for editors that complete and check TOML."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["schema"])
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="write it here (default: print it)")


def show_schema(arguments: argparse.Namespace) -> int:
    from flows.config_schema import config_schema
    from tasks.domain.errors import UserError

    text = json.dumps(config_schema(), indent=1, ensure_ascii=False) + "\n"
    if arguments.file is None:
        print(text, end="")
        return 0
    try:
        arguments.file.parent.mkdir(parents=True, exist_ok=True)
        arguments.file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{str(arguments.file)!r} cannot be written: {error}; name another file") from error
    print(arguments.file)
    return 0


COMMAND = command(
    "config", "the JSON schema of configs, with which editors complete them", declare_arguments, show_schema, place=35
)
