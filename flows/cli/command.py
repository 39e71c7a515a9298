"""What a command of `restem` is: a file in flows/cli/commands, or an entry point `restem.commands` of any installed package.

Such a file is imported whenever the help is shown: what its function needs is imported inside of the function.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from tasks.domain.registry import Registry

LAST = 1000


@dataclass(frozen=True)
class Command:
    """One word after `restem`. `run` gives the exit code; `place` orders the help, and who names none comes last."""

    name: str
    summary: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    place: int = LAST


COMMANDS: Registry[Command] = Registry("command", sign="command", folder="flows.cli.commands", group="restem.commands")


def command(
    name: str,
    summary: str,
    arguments: Callable[[argparse.ArgumentParser], None],
    run: Callable[[argparse.Namespace], int],
    place: int = LAST,
) -> Command:
    """Declare a command: `COMMAND = command("ls", "runs, models and sizes", declare_arguments, show)`."""
    return COMMANDS.add(name, Command(name, summary, arguments, run, place))
