"""What each `restem` command does: it reads its arguments, prints, and leaves the work to the modules it imports when needed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.config import RunConfig
    from tasks.store.artifacts import Store

CONFIGS = Path(__file__).parents[2] / "deployments" / "configs"
DEMO_CONFIGS = {"arithmetic": CONFIGS / "demo.toml", "programs": CONFIGS / "demo-programs.toml"}


def complain(sentence: str) -> None:
    print(f"restem: {sentence}", file=sys.stderr)


def run_config(arguments: argparse.Namespace) -> int:
    """`restem run CONFIG.toml`"""
    return _run(_config(arguments, arguments.config), arguments)


def run_demo(arguments: argparse.Namespace) -> int:
    """`restem demo`: the committed config of the task."""
    return _run(_config(arguments, DEMO_CONFIGS[arguments.task]), arguments)


def show_plan(arguments: argparse.Namespace) -> int:
    """`restem plan CONFIG.toml`"""
    config = _config(arguments, arguments.config)
    from flows.cli.terminal import quieten
    from flows.cli.text import plan_text
    from flows.planning.plan import plan

    quieten(arguments.verbose)
    return _print(arguments, made := plan(config), lambda: plan_text(made))


def show_report(arguments: argparse.Namespace) -> int:
    """`restem report RUN`"""
    store = _store(arguments)
    from flows.run.recorder import read_result

    result = read_result(store, arguments.run)
    _show_result(result, store.uri(f"runs/{arguments.run}/report.html"), arguments)
    return 0


def show_listing(arguments: argparse.Namespace) -> int:
    """`restem ls`"""
    store = _store(arguments)
    from flows.cli.text import listing_text
    from flows.stored.ls import list_store

    return _print(arguments, made := list_store(store), lambda: listing_text(made))


def show_trace(arguments: argparse.Namespace) -> int:
    """`restem trace RUN --sample ID | --model [ITERATION]`"""
    store = _store(arguments)
    from flows.cli.text import model_text, sample_text
    from flows.stored.trace import trace_model, trace_sample

    if arguments.sample is None:
        model = trace_model(store, arguments.run, arguments.model or None)
        return _print(arguments, model, lambda: model_text(model))
    samples = trace_sample(store, arguments.run, arguments.sample)
    return _print(arguments, samples, lambda: "\n\n".join(map(sample_text, samples)))


def export_model(arguments: argparse.Namespace) -> int:
    """`restem export RUN DIR`"""
    store = _store(arguments)
    from flows.stored.export import export

    made = export(store, arguments.run, arguments.folder, arguments.iteration, arguments.push_hub, arguments.push)
    places = ", ".join([str(made.folder), *made.pushed])
    return _print(arguments, made, lambda: f"policy {made.policy}, iteration {made.iteration}: {places}")


def collect(arguments: argparse.Namespace) -> int:
    """`restem gc`"""
    store = _store(arguments)
    from flows.cli.text import cleaning_text
    from flows.stored.gc import clean
    from tasks.domain.errors import UserError

    if arguments.keep < 1:
        raise UserError(f"--keep is {arguments.keep}; at least the last policy of a run must stay")
    made = clean(store, Path(arguments.scratch), arguments.keep, dry_run=arguments.dry_run)
    return _print(arguments, made, lambda: cleaning_text(made, arguments.dry_run))


def examine_machine(arguments: argparse.Namespace) -> int:
    """`restem doctor`; exit code 1 when something will not work."""
    from flows.cli.text import findings_text
    from flows.operation.doctor import examine

    findings = examine(_absolute(arguments.store), Path(arguments.scratch))
    _print(arguments, findings, lambda: findings_text(findings))
    return int(any(finding.status == "fault" for finding in findings))


def start_machine(arguments: argparse.Namespace) -> int:
    """`restem up`"""
    from flows.operation.up import up

    pools = tuple(arguments.pool or ("gpu", "cpu"))
    machine = up(
        Path(arguments.folder), arguments.host, arguments.port, pools, lambda text: print(text, file=sys.stderr)
    )
    print(machine.url if not arguments.json else f'{{"api": "{machine.url}"}}')
    return 0


def end_machine(arguments: argparse.Namespace) -> int:
    """`restem down`"""
    from flows.operation.up import down

    ended = down(Path(arguments.folder))
    print("everything is down" if ended else "nothing was up", file=sys.stderr)
    return 0


def grade_rows(arguments: argparse.Namespace) -> int:
    """`restem grade math|code FILE.jsonl`; exit code 2 when rows could not be graded for what they hold."""
    if arguments.kind == "code":
        return _grade_code(arguments)
    from tasks.domain.settings import VerifySettings
    from tasks.graders.answer_file import audit_math

    report = audit_math(arguments.path, VerifySettings())
    print(report.to_json() if arguments.json else report.to_text())
    return 0


def _grade_code(arguments: argparse.Namespace) -> int:
    from tasks.graders.program_file import grade_file

    report = grade_file(arguments.path)
    print(report.to_json() if arguments.json else report.to_text())
    faulty = [row for row in report.rows if row.error is not None]
    if faulty:
        complain(f"{len(faulty)} of {len(report.rows)} rows could not be graded, the first: {faulty[0].error}")
    return 2 if faulty else 0


def use_sandbox(arguments: argparse.Namespace) -> int:
    """`restem sandbox build|selftest`"""
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


# ---------------------------------------------------------------- shared


def _config(arguments: argparse.Namespace, path: str | Path) -> RunConfig:
    from flows.config import load_config

    return load_config(path, tuple(arguments.overrides))


def _run(config: RunConfig, arguments: argparse.Namespace) -> int:
    from flows.cli.launch import launch
    from flows.cli.terminal import quieten, stop_at_second_interrupt

    quieten(arguments.verbose)
    with stop_at_second_interrupt(complain):
        launched = launch(config)
    _show_result(launched.result, launched.report, arguments)
    return 0


def _store(arguments: argparse.Namespace) -> Store:
    """The store to read; one that is not there is the user's mistake, since nothing here makes one."""
    from tasks.domain.errors import UserError
    from tasks.store.artifacts import Store

    store = Store(_absolute(arguments.store))
    if store.is_local and not Path(store.root).is_dir():
        raise UserError(
            f"there is no store at {arguments.store!r}; name the folder or s3:// address of one with --store"
        )
    return store


def _absolute(url: str) -> str:
    return url if "://" in url else os.path.abspath(os.path.expanduser(url))


def _show_result(result: Any, page: str, arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from tasks.report import as_json, as_table

    if arguments.json:
        print(as_json(result))
    else:
        console = Console()
        (console if console.is_terminal else Console(width=160)).print(as_table(result))
    print(f"report: {page}", file=sys.stderr if arguments.json else sys.stdout)


def _print(arguments: argparse.Namespace, value: Any, text: Callable[[], str]) -> int:
    from flows.cli.text import as_json

    print(as_json(value) if arguments.json else text())
    return 0
