"""The `restem` command. Thin: it reads arguments, prints, and leaves the work to the modules it imports when needed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.config import RunConfig

DEMO_CONFIG = Path(__file__).parent.parent / "deployments" / "configs" / "demo.toml"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of `restem`; the exit code is 0, 1 (a stage or a machine failed), 2 (a mistake in the input) or 130."""
    arguments = build_parser().parse_args(argv)
    from flows.terminal import exit_code, prepare_environment

    prepare_environment(arguments.verbose)
    return exit_code(lambda: arguments.command(arguments), complain)


def complain(sentence: str) -> None:
    print(f"restem: {sentence}", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    parser = argparse.ArgumentParser(
        prog="restem", description="ReST-EM self-training: sample, check, keep what is correct, train, again."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = _command(
        commands, "run", run_config, "run a config's whole loop; what is in the store is used, not done again"
    )
    _config_arguments(run)
    run.add_argument("--json", action="store_true", help="print the result as JSON")

    demo = _command(commands, "demo", run_demo, "the whole loop on built-in problems with a tiny model")
    demo.add_argument("--task", default="arithmetic", choices=["arithmetic"], help="built-in problems")
    demo.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", dest="overrides", help="override one setting"
    )
    demo.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _command(
    commands: argparse._SubParsersAction, name: str, function: object, summary: str
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    made.add_argument("-v", "--verbose", action="store_true", help="show the log")
    made.set_defaults(command=function)
    return made


def _config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG.toml")
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", dest="overrides", help="override one setting"
    )


def run_config(arguments: argparse.Namespace) -> int:
    """`restem run CONFIG.toml`"""
    from flows.config import load_config

    return _run(load_config(arguments.config, tuple(arguments.overrides)), arguments)


def run_demo(arguments: argparse.Namespace) -> int:
    """`restem demo`: the committed demo config."""
    from flows.config import load_config

    return _run(load_config(DEMO_CONFIG, tuple(arguments.overrides)), arguments)


def _run(config: RunConfig, arguments: argparse.Namespace) -> int:
    from flows.launch import launch
    from flows.terminal import quieten
    from tasks.report import as_table

    quieten(arguments.verbose)
    launched = launch(config)
    print(_json(launched.result.to_json()) if arguments.json else as_table(launched.result))
    print(f"report: {launched.report}", file=sys.stderr if arguments.json else sys.stdout)
    return 0


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)


if __name__ == "__main__":
    raise SystemExit(main())
