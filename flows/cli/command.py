"""What a command of `restem` is: a file in flows/cli/commands, or an entry point `restem.commands` of any installed package.

Such a file is imported whenever the help is shown, so its function imports what it needs inside its own body.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from tasks.domain.registry import Registry

LAST = 1000


@dataclass(frozen=True)
class Command:
    """One word after `restem`. `run` returns the exit code; `place` orders the help, where commands without a place come last."""

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
