"""`restem serve RUN`: the command that serves a trained policy with vLLM, printed, or started with --start."""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from flows.cli.arguments import iteration, store_argument, store_of
from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--iteration", type=iteration, metavar="I", help="default: the best on val")
    parser.add_argument("--host", default="127.0.0.1", help="default: loopback")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--start", action="store_true", help="start it here instead of printing it")
    store_argument(parser)


def serve_policy(arguments: argparse.Namespace) -> int:
    store = store_of(arguments)
    from flows.cli.text import show
    from flows.stored.serving import serving_argv

    argv = serving_argv(store, arguments.run, arguments.iteration, arguments.host, arguments.port)
    if not arguments.start:
        return show(arguments, {"command": ["python", *argv]}, lambda: shlex.join(["python", *argv]))
    os.execv(sys.executable, [sys.executable, *argv])  # becomes the server: signals and exit code are its own
    return 1


COMMAND = command(
    "serve", "the vLLM command that serves a trained policy; --start starts it", declare_arguments, serve_policy, place=75
)  # fmt: skip
