"""`restem grade math|code FILE.jsonl`: the graders by themselves."""

from __future__ import annotations

import argparse

from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=["math", "code"], metavar="math|code")
    parser.add_argument("path", metavar="FILE.jsonl")


def grade_rows(arguments: argparse.Namespace) -> int:
    """The exit code is 2 when rows could not be graded for what they hold."""
    if arguments.kind == "code":
        return _grade_code(arguments)
    from tasks.domain.settings import VerifySettings
    from tasks.graders.answer_file import audit_math

    report = audit_math(arguments.path, VerifySettings())
    print(report.to_json() if arguments.json else report.to_text())
    return 0


def _grade_code(arguments: argparse.Namespace) -> int:
    from flows.cli.terminal import complain
    from tasks.graders.program_file import grade_file

    report = grade_file(arguments.path)
    print(report.to_json() if arguments.json else report.to_text())
    faulty = [row for row in report.rows if row.error is not None]
    if faulty:
        complain(f"{len(faulty)} of {len(report.rows)} rows could not be graded, the first: {faulty[0].error}")
    return 2 if faulty else 0


COMMAND = command(
    "grade",
    "measure the math grader on labelled answer pairs, or grade programs by their tests",
    declare_arguments,
    grade_rows,
    place=120,
)
