"""`restem sandbox build|selftest`: builds or attacks the sandbox image without a run."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from flows.cli.command import command


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["build", "selftest"])
    parser.add_argument("--host", action="append", metavar="URL", help="Docker engine; several are possible")
    parser.add_argument("--runtime", metavar="NAME", help="container runtime, for example runsc")


def use_sandbox(arguments: argparse.Namespace) -> int:
    """Build the image or run the probes; the exit code is 1 when a probe escaped."""
    from sandbox.selftest import report
    from sandbox.settings import SandboxSettings

    hosts = {"hosts": tuple(arguments.host)} if arguments.host else {}
    settings = SandboxSettings.model_validate({"runtime": arguments.runtime} | hosts)
    if arguments.action == "build":
        for host, image in report.build(settings):
            print(f"{image} on {host}")
        return 0
    found = list(report.selftest(settings))
    if arguments.json:
        print(json.dumps([{"host": one.host, **asdict(one.finding)} for one in found]))
    else:
        for one in found:
            held = one.finding.held
            print(f"{'held  ' if held else 'BROKEN'}  {one.host}  {one.finding.probe}  {one.finding.detail}".rstrip())
    return 0 if all(one.finding.held for one in found) else 1


COMMAND = command(
    "sandbox",
    "build the image that programs run in, or try to get out of it",
    declare_arguments,
    use_sandbox,
    place=130,
)
