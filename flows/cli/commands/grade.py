"""`restem grade NAME FILE`: a reward by itself, on rows of a file or of standard input."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from flows.cli.command import command

if TYPE_CHECKING:
    from tasks.domain.settings import VerifySettings

INTERRUPTED = 130


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reward", metavar="NAME", help="math, code, or any reward: module:function, exact, accept_all")
    parser.add_argument("path", metavar="FILE.jsonl", help="- reads standard input")
    parser.add_argument("--encoding", metavar="NAME", help="of the file; default: its byte order mark, else UTF-8")
    parser.add_argument("--folder", default=".", metavar="DIR", help="where a reward's own module lies (default: here)")
    parser.add_argument(
        "--threshold", type=float, metavar="R", help="a graded reward is accepted from here on (default 1)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="grading processes")
    parser.add_argument("--timeout", type=float, metavar="S", help="seconds for one answer")
    parser.add_argument("--memory-mb", type=int, metavar="MB", help="of a grading process, or of a program's test")
    parser.add_argument(
        "--cpu-seconds", type=float, metavar="S", help="code: CPU time of a test, where the row names none"
    )
    parser.add_argument("--slots", type=int, metavar="N", help="code: programs at once over all hosts")
    parser.add_argument("--host", action="append", metavar="URL", help="code: Docker engine; several are possible")
    parser.add_argument(
        "--probe-again", action="store_true", help="code: test the sandbox although it has passed since this boot"
    )


def grade_rows(arguments: argparse.Namespace) -> int:
    """Grade the rows; the exit code is 2 when some rows could not be graded because of their content, 130 after an interruption."""
    settings = _settings(arguments)
    report, errors = _code(arguments, settings) if arguments.reward == "code" else _rewarded(arguments, settings)
    from tasks.domain.visible import visible

    print(report.to_json() if arguments.json else visible(report.to_text()))
    from flows.cli.terminal import complain

    if report.missing:
        complain(f"interrupted: {report.missing} of {report.missing + len(report.rows)} rows are not graded")
        return INTERRUPTED
    if errors:
        complain(f"{len(errors)} of {len(report.rows)} rows could not be graded, the first: {errors[0]}")
    return 2 if errors else 0


def _rewarded(arguments: argparse.Namespace, settings: VerifySettings) -> tuple[Any, list[str]]:
    from tasks.graders.answer_file import audit_file

    report = audit_file(arguments.path, settings, arguments.encoding, _progress)
    return report, [str(row.evidence.get("detail")) for row in report.rows if row.label == "verifier_error"]


def _code(arguments: argparse.Namespace, settings: VerifySettings) -> tuple[Any, list[str]]:
    from tasks.graders.program_file import grade_file

    report = grade_file(arguments.path, settings, arguments.encoding, _progress)
    return report, [row.error for row in report.rows if row.error is not None]


def _settings(arguments: argparse.Namespace) -> VerifySettings:
    """Read the settings of the command line; UserError for a number that is out of bounds."""
    import os

    from flows.config import make_config
    from tasks.domain.rewards import is_own

    code = {"cpu_seconds": arguments.cpu_seconds, "memory_mb": arguments.memory_mb}
    place = {"slots": arguments.slots, "hosts": arguments.host, "probe_again": arguments.probe_again or None}
    verify = {
        "reward": arguments.reward, "workers": arguments.workers, "timeout_s": arguments.timeout,
        "memory_mb": arguments.memory_mb if arguments.reward != "code" else None, "threshold": arguments.threshold,
        "folder": os.path.abspath(arguments.folder) if is_own(arguments.reward) else None,
        "code": _given(code) if arguments.reward == "code" else {}, "sandbox": _given(place),
    }  # fmt: skip
    return make_config({"verify": _given(verify)}, "restem grade").verify


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _progress(done: int, of: int) -> None:
    """Show a waiting person how many rows are graded."""
    if sys.stderr.isatty():
        print(f"\r{done} of {of} rows", end="\n" if done == of else "", file=sys.stderr, flush=True)


COMMAND = command(
    "grade",
    "a reward on labelled rows: how often it is right, where it is wrong",
    declare_arguments,
    grade_rows,
    place=120,
)
