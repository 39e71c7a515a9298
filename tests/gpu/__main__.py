"""`python3 -m tests.gpu`: the command line of the smoke test. It needs no virtual environment, no make, no Docker and no network."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tests.gpu.card import faults, machine
from tests.gpu.groups import run_parts
from tests.gpu.page import page
from tests.gpu.results import PartResult, Results
from tests.gpu.settings import PARTS, SMALL, TOTAL_S, Smoke, chosen

LOG_LINES = 400
ENVIRONMENT = {
    "VLLM_USE_FLASHINFER_SAMPLER": "0",  # its kernels would be compiled at the first request, for a minute or more
    "DO_NOT_TRACK": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "TOKENIZERS_PARALLELISM": "false",
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; the exit code is 0 when all of them are done or cannot run here, 1 when one failed, 2 for a mistake in the input."""
    arguments = parser().parse_args(argv)
    try:
        names, settings = chosen(arguments.parts), settings_of(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    results = run(names, settings, arguments.seconds or (None if "full" in names else TOTAL_S))
    return int(any(results.parts[name].lost for name in names))


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python3 -m tests.gpu", description="A smoke test of one GPU; docs/gpu.md.")
    made.add_argument("--parts", default="", metavar="NAMES", help=f"of {' '.join(PARTS)}; all but full")
    made.add_argument(
        "--out",
        default=".restem/gpu",
        metavar="DIR",
        help="gpu.json, gpu.html and logs.txt; work/ below it may be deleted",
    )
    made.add_argument(
        "--model", metavar="DIR", help="a checkpoint, SmolLM2-135M say; without: random weights of its shape"
    )
    made.add_argument(
        "--problems", metavar="DIR", help="with GSM8K's train.jsonl and test.jsonl; without: built-in arithmetic"
    )
    made.add_argument(
        "--seconds", type=float, metavar="S", help=f"for all parts together ({TOTAL_S:g}; none with full)"
    )
    made.add_argument(
        "--eager", action="store_true", help="vLLM without CUDA graphs and compilation: starts faster, samples slower"
    )
    made.add_argument("--small", action="store_true", help="sizes for two CPU cores, to try the test itself")
    made.add_argument("--commit", default="", help="of the code, where there is no git")
    made.add_argument(
        "--set",
        action="append",
        default=[],
        dest="sizes",
        metavar="NAME=VALUE",
        help="another size (tests/gpu/settings.py)",
    )
    return made


def settings_of(arguments: argparse.Namespace) -> Smoke:
    """Return the sizes; UserError where a folder lacks what it must hold."""
    for folder, needed in ((arguments.model, ("config.json",)), (arguments.problems, ("train.jsonl", "test.jsonl"))):
        for name in needed if folder else ():
            if not (Path(folder) / name).is_file():
                raise UserError(f"{folder} holds no {name}; name a folder that does, or leave the option out")
    sizes: dict[str, Any] = {**(SMALL if arguments.small else {}), **_set(arguments.sizes)}
    return Smoke(
        str(Path(arguments.out).absolute()), *(str(Path(one).absolute()) if one else None for one in (arguments.model, arguments.problems)),
        **{"eager": arguments.eager, "commit": arguments.commit, **sizes},
    )  # fmt: skip


def _set(words: Sequence[str]) -> dict[str, Any]:
    kinds: dict[str, Any] = {field.name: field.type for field in fields(Smoke)}
    found: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in kinds:
            raise UserError(f"--set {word}: there is no size {name!r}; there are {', '.join(kinds)}")
        try:
            found[name] = _read(kinds[name], text)
        except ValueError as error:
            raise UserError(f"--set {word}: {text!r} is no {kinds[name]}") from error
    return found


def _read(kind: str, text: str) -> Any:
    if kind.startswith("tuple"):
        return tuple(int(one) for one in text.split(","))
    return {"int": int, "float": float, "bool": lambda one: one == "true"}.get(kind, str)(text)


def run(names: Sequence[str], settings: Smoke, seconds: float | None) -> Results:
    """Run the parts within that time, and write everything after each of them."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + (seconds or 10**9)
    settings = replace(settings, until=time.time() + seconds if seconds else 0.0)
    results = Results(machine(settings.commit), asdict(settings), tuple(warnings(settings)))
    results.take_over(settings.folder / "gpu.json")
    say(
        f"{results.machine['card']}, {results.machine['libraries']}, commit {results.machine['commit']}; parts: {' '.join(names)}"
    )
    for warning in results.warnings:
        say(f"WARNING: {warning}")
    write(results, settings)
    for result in run_parts(settings, names, deadline):
        results.parts.pop(result.part, None)
        results.parts[result.part] = result
        write(results, settings)
        say(told(result))
    say(f"see {settings.folder / 'gpu.html'} and gpu.json")
    return results


def warnings(settings: Smoke) -> list[str]:
    """Return what must be said aloud beside every figure."""
    said = list(faults())
    if settings.model is None:
        said.append(
            "no model was named: random weights serve and train, so only speeds mean something, and the loop runs the demo's base"
        )
    if settings.problems is None:
        said.append("no problems were named: built-in arithmetic is sampled, and the loop runs the demo")
    return said


def write(results: Results, settings: Smoke) -> None:
    results.write(settings.folder / "gpu.json")
    (settings.folder / "gpu.html").write_text(page(results), encoding="utf-8")
    (settings.folder / "logs.txt").write_text(logs(settings), encoding="utf-8")


def logs(settings: Smoke) -> str:
    """Return the ends of all logs, the newest last: what a person needs who has only the files that came back."""
    work = settings.folder / "work"
    found = {*work.glob("*.log"), *work.glob("scratch/logs/**/*.log"), *work.glob("loop-scratch/logs/**/*.log")}
    ends = []
    for file in sorted(found, key=lambda one: one.stat().st_mtime):
        lines = file.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
        ends.append("\n".join([f"==== {file.relative_to(work)}", *lines]))
    return "\n".join(ends)


def told(result: PartResult) -> str:
    return f"{result.part}: {result.state}, {result.seconds:.0f} s{f': {result.reason}' if result.reason else ''}"


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
