"""The `restem` command: its commands and their arguments; what they do is in flows/cli/commands.py."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flows.cli import commands as do
from flows.cli.commands import complain

DEFAULT_STORE, DEFAULT_SCRATCH = ".restem/store", ".restem/scratch"
Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of `restem`; the exit code is 0, 1 (a stage or a machine failed), 2 (a mistake in the input) or 130."""
    arguments = build_parser().parse_args(argv)
    from flows.cli.terminal import exit_code, prepare_environment

    prepare_environment(arguments.verbose)
    return exit_code(lambda: arguments.command(arguments), complain)


class Parser(argparse.ArgumentParser):
    """A mistake on the command line is one sentence too, and exit code 2."""

    def error(self, message: str) -> Any:
        complain(f"{message}; see `{self.prog} --help`")
        raise SystemExit(2)


def build_parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    parser = Parser(
        prog="restem", description="ReST-EM self-training: sample, check, keep what is correct, train, again."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def add(name: str, function: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
        made.add_argument("-v", "--verbose", action="store_true", help="show the log")
        made.add_argument("--json", action="store_true", help="print JSON")
        made.set_defaults(command=function)
        return made

    for group in (_loop, _stored, _machine, _checking):
        group(add)
    return parser


def _loop(add: Add) -> None:
    """Running the loop, and what it would do."""
    run = add("run", do.run_config, "run a config's whole loop; what is in the store is used, not done again")
    _config_arguments(run)

    demo = add("demo", do.run_demo, "the whole loop on built-in problems with a tiny model")
    demo.add_argument(
        "--task", default="arithmetic", choices=sorted(do.DEMO_CONFIGS), help="built-in problems; programs needs Docker"
    )
    _set_argument(demo)

    plan = add("plan", do.show_plan, "which stages would run or are stored, and why; how long it takes; starts nothing")
    _config_arguments(plan)


def _stored(add: Add) -> None:
    """What lies in a store."""
    report = add("report", do.show_report, "the table of a run and where its page lies")
    report.add_argument("run", metavar="RUN")
    _store_argument(report)

    _store_argument(add("ls", do.show_listing, "runs, models and sizes"))

    trace = add("trace", do.show_trace, "where a sample or a model comes from, and what came of it")
    trace.add_argument("run", metavar="RUN")
    what = trace.add_mutually_exclusive_group(required=True)
    what.add_argument("--sample", metavar="ID", help="PROBLEM/INDEX, as in a data set's columns")
    what.add_argument(
        "--model", nargs="?", const=0, type=_iteration, metavar="ITERATION", help="default: the best on val"
    )
    _store_argument(trace)

    export = add("export", do.export_model, "a trained policy as a folder, and pushed to the Hub or a store on request")
    export.add_argument("run", metavar="RUN")
    export.add_argument("folder", metavar="DIR", type=Path, help="a new or an empty folder")
    export.add_argument("--iteration", type=_iteration, metavar="I", help="default: the best on val")
    export.add_argument("--push-hub", metavar="ID", help="Hub repository; the token comes from the environment")
    export.add_argument("--push", metavar="URL", help="any fsspec address, for example s3://bucket/models/mine")
    _store_argument(export)

    gc = add("gc", do.collect, "remove weights that no run keeps, attempts that never finished, training states")
    gc.add_argument("--dry-run", action="store_true", help="only say what would go")
    gc.add_argument("--keep", type=int, default=2, metavar="N", help="keep the last N policies of each run (default 2)")
    gc.add_argument("--scratch", default=DEFAULT_SCRATCH, metavar="DIR", help="run.scratch of the runs")
    _store_argument(gc)


def _machine(add: Add) -> None:
    """This machine: what it can do, and what runs on it."""
    doctor = add(
        "doctor", do.examine_machine, "engine, GPU, Docker, store, Prefect, disk, memory; what to do about each"
    )
    doctor.add_argument("--scratch", default=DEFAULT_SCRATCH, metavar="DIR", help="run.scratch of the runs")
    _store_argument(doctor)

    start = add("up", do.start_machine, "a Prefect server, workers and deployments on this machine; prints the address")
    start.add_argument("--host", default="127.0.0.1", help="default: loopback; any other address needs a secret")
    start.add_argument("--port", type=int, default=4200)
    start.add_argument("--pool", action="append", choices=["gpu", "cpu"], help="worker pools here (default: both)")
    _folder_argument(start)
    _folder_argument(add("down", do.end_machine, "end all that `restem up` started"))


def _checking(add: Add) -> None:
    """Graders and the sandbox by themselves."""
    grade = add(
        "grade", do.grade_rows, "measure the math grader on labelled answer pairs, or grade programs by their tests"
    )
    grade.add_argument("kind", choices=["math", "code"], metavar="math|code")
    grade.add_argument("path", metavar="FILE.jsonl")

    sandbox = add("sandbox", do.use_sandbox, "build the image that programs run in, or try to get out of it")
    sandbox.add_argument("action", choices=["build", "selftest"])
    sandbox.add_argument("--host", action="append", metavar="URL", help="Docker engine; several are possible")
    sandbox.add_argument("--runtime", metavar="NAME", help="container runtime, for example runsc")


def _config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG.toml")
    _set_argument(parser)


def _set_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", dest="overrides", help="override one setting"
    )


def _store_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", default=DEFAULT_STORE, metavar="URL", help=f"folder or s3:// (default {DEFAULT_STORE})"
    )


def _folder_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", default=".restem/up", metavar="DIR", help="state, database and logs (.restem/up)")


def _iteration(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of an iteration (1, 2, ...)")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
