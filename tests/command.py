"""The real `restem` command in a process of its own, and configs for it."""

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

ROOT = Path(__file__).parent.parent
MARK = "RESTEM_COMMAND_MARK"  # in the environment of the command and of whatever it starts


@dataclass(frozen=True)
class Answer:
    """What a command said; `left`: processes of it that outlived it."""

    code: int
    out: str
    error: str
    left: tuple[str, ...] = ()


def run_command(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, within: Sequence[str] = ()
) -> Answer:
    """`restem ARGV` in `folder`; `within` is put before it (say `unshare -rm`)."""
    mark = f"{os.getpid()}-{folder}-{len(os.listdir(folder))}"
    done = subprocess.run(
        [*within, sys.executable, "-m", "flows.cli.main", *argv],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {}), MARK: mark},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr, processes_marked(mark))


def processes_marked(mark: str) -> tuple[str, ...]:
    """Command lines of the living processes with that mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return tuple(found)


def write_config(path: Path, *trees: Mapping[str, Any]) -> Path:
    """A TOML file of these sections; later ones are laid over earlier ones."""
    merged: dict[str, Any] = {}
    for tree in trees:
        merged = _over(merged, tree)
    plain = [f"{key} = {_toml(value)}" for key, value in merged.items() if not isinstance(value, Mapping)]
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
            lines += [f"{key} = {_toml(value)}" for key, value in section.items() if _is_value(value)]
            lines += _sections(section, f"{prefix}{name}.")
    return lines


def _is_value(value: Any) -> bool:
    return value is not None and not isinstance(value, Mapping)


def _toml(value: Any) -> str:
    return str(value) if isinstance(value, float) else json.dumps(value)
