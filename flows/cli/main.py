"""The `restem` command. Its parser is built from the commands declared in flows/cli/commands and in other packages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from flows.cli.command import COMMANDS, Command


def main(argv: Sequence[str] | None = None) -> int:
    """Run `restem`; the exit code is 0, 1 (a stage or a machine failed), 2 (a mistake in the input) or 130 (interrupted)."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = build_parser(commands_for(words)).parse_args(words)
    from flows.cli.terminal import complain, exit_code, prepare_environment

    prepare_environment(arguments.verbose)
    return exit_code(lambda: arguments.command.run(arguments), complain)


class Parser(argparse.ArgumentParser):
    """An argument parser that reports a mistake in one sentence and ends with exit code 2."""

    def error(self, message: str) -> Any:
        from flows.cli.terminal import complain

        complain(f"{message}; see `{self.prog} --help`")
        raise SystemExit(2)


def commands_for(words: Sequence[str]) -> list[Command]:
    """Load the command that is asked for, or all commands for the help and for an unknown name."""
    if words and words[0] in COMMANDS.built_in:
        return [COMMANDS.get(words[0])]
    found = [*map(COMMANDS.get, COMMANDS.built_in), *_outside()]
    return sorted(found, key=lambda one: one.place)


def _outside() -> Iterator[Command]:
    """Load the commands of other packages; one that cannot be loaded is reported and does not stop the others."""
    from flows.cli.terminal import complain
    from tasks.domain.errors import UserError

    try:
        names = list(COMMANDS.outside())
    except UserError as error:
        complain(str(error))
        return
    for name in names:
        try:
            yield COMMANDS.get(name)
        except UserError as error:
            complain(str(error))


def build_parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    """Build the parser of these commands and their arguments."""
    parser = Parser(
        prog="restem", description="ReST-EM self-training: sample, check, keep what is correct, train, again."
    )
    words = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for command in commands:
        made = words.add_parser(command.name, help=command.summary, description=command.summary)
        made.add_argument("-v", "--verbose", action="store_true", help="show the log")
        made.add_argument("--json", action="store_true", help="print JSON")
        made.set_defaults(command=command)
        command.arguments(made)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
