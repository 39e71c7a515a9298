"""`restem down`: ends what `restem up` started."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from flows.cli.arguments import folder_argument
from flows.cli.command import command


def end_machine(arguments: argparse.Namespace) -> int:
    from flows.operation.server.up import down

    ended = down(Path(arguments.folder))
    print("everything is down" if ended else "nothing was up", file=sys.stderr)
    return 0


COMMAND = command("down", "end all that `restem up` started", folder_argument, end_machine, place=110)
