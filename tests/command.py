"""The real `restem` command in a process of its own, and configs for it: nothing else in the tests starts it or writes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from flows.config import RunConfig

ROOT = Path(__file__).parent.parent
MARK = "RESTEM_TEST_MARK"  # in the environment of a command and of whatever it starts


@dataclass(frozen=True)
class Answer:
    """What a command said; `left`: processes of it that outlived it."""

    code: int
    out: str
    error: str
    left: tuple[str, ...] = ()


def argv_of(*arguments: str) -> list[str]:
    """`restem ARGUMENTS` of this checkout, as a program starts it."""
    return [sys.executable, "-m", "flows.cli.main", *arguments]


def restem(
    *arguments: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None, within: Sequence[str] = (), timeout: float = 300
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run it in `folder`, `environment` laid over ours; `within` is put before it (say `unshare -rm`)."""
    return subprocess.run(
        [*within, *argv_of(*arguments)], cwd=folder, env={**os.environ, "PYTHONPATH": path_with_root(), **(environment or {})},
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def path_with_root() -> str:
    """PYTHONPATH with this checkout first: a command runs in any folder."""
    return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


def run_command(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, within: Sequence[str] = ()
) -> Answer:
    """`restem ARGV` in `folder`, and what it left behind."""
    mark = f"{os.getpid()}-{folder}-{len(os.listdir(folder))}"
    done = restem(*argv, folder=folder, environment={**(environment or {}), MARK: mark}, within=within)
    left = tuple(command_of(process) for process in processes_marked(mark))
    return Answer(done.returncode, done.stdout, done.stderr, left)


def command_of(process: psutil.Process) -> str:
    """Its command line, empty once it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def processes_marked(mark: str) -> list[psutil.Process]:
    """Living processes with that mark in their environment; zombies do not count."""
    return [process for process in psutil.process_iter() if _carries(process, mark)]


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def write_config(path: Path, *configs: RunConfig | Mapping[str, Any]) -> Path:
    """A TOML file of these configs or sections; later ones are laid over earlier ones."""
    merged: dict[str, Any] = {}
    for config in configs:
        merged = _over(merged, config.model_dump(mode="json") if isinstance(config, RunConfig) else config)
    plain = [f"{key} = {toml_value(value)}" for key, value in merged.items() if not isinstance(value, Mapping)]
    path.write_text("\n".join([*plain, *_sections(merged)]) + "\n")
    return path


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _over(merged[key], value) if both else value
    return merged


def _sections(tree: Mapping[str, Any], prefix: str = "") -> list[str]:
    lines = []
    for name, section in tree.items():
        if isinstance(section, Mapping):
            lines.append(f"[{prefix}{name}]")
            lines += [f"{key} = {toml_value(value)}" for key, value in section.items() if _is_value(value)]
            lines += _sections(section, f"{prefix}{name}.")
    return lines


def _is_value(value: Any) -> bool:
    return value is not None and not isinstance(value, Mapping)


def toml_value(value: Any) -> str:
    """Text that TOML reads as that value."""
    if isinstance(value, Mapping):
        pairs = [f"{json.dumps(key)} = {toml_value(one)}" for key, one in value.items() if one is not None]
        return f"{{{', '.join(pairs)}}}"
    return str(value) if isinstance(value, float) else json.dumps(value)
