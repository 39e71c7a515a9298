"""What starting costs: CPU seconds of each command with all its children, and of a flow run on a worker until its work begins.

CPU seconds hardly depend on what else the machine does; a ratio to `imports` (numpy, pyarrow and pydantic in a new process), measured
in turns with the commands, hardly depends on the machine. The demo is run once first, which takes minutes; RESTEM_DEMO names a folder
where that was done before.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows.operation.boundary import BEGUN
from tests.command import ROOT, argv_of, path_with_root
from tests.machine import machine_up

TURNS = 3
SUBREAPER = 36  # prctl(2): children of children that have ended become ours, so that their time is counted
CONFIG = ROOT / "deployments" / "configs" / "demo.toml"
IMPORTS = [sys.executable, "-c", "import numpy, pyarrow, pydantic"]
COMMANDS = {  # a cold plan has nothing in its store
    "imports": IMPORTS, "demo, all of it stored": argv_of("demo"), "plan, warm": argv_of("plan", str(CONFIG)),
    "plan, cold": argv_of("plan", str(CONFIG), "--set", "run.store=new", "--set", "run.scratch=newer"), "ls": argv_of("ls"),
    "report": argv_of("report", "demo"), "trace": argv_of("trace", "demo", "--model"), "gc": argv_of("gc", "--dry-run"),
}  # fmt: skip
MOST_CPU_S = {
    "demo, all of it stored": 10.0, "plan, warm": 1.5, "plan, cold": 5.0, "ls": 1.5, "report": 1.5, "trace": 1.5, "gc": 1.5,
    "a flow run on a worker": 6.0,
}  # fmt: skip


def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo_in(folder)
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
        took: dict[str, list[float]] = {what: [] for what in COMMANDS}
        for _ in range(TURNS):
            for what, argv in COMMANDS.items():
                took[what].append(cpu_s(argv, folder))
        took["a flow run on a worker"] = begun_after_s(folder)
    unit = statistics.median(took.pop("imports"))
    rows = {what: statistics.median(seconds) for what, seconds in took.items()}
    for what, seconds in rows.items():
        print(f"{what:26} {seconds:6.2f} s  {seconds / unit:5.1f} x imports  (at most {MOST_CPU_S[what]:.1f} s)")
    return {
        "imports_cpu_s": round(unit, 2), "cpu_s": {what: round(seconds, 2) for what, seconds in rows.items()},
        "ratio": {what: round(seconds / unit, 1) for what, seconds in rows.items()},
        "missed": [what for what, seconds in rows.items() if seconds > MOST_CPU_S[what]],
    }  # fmt: skip


def demo_in(folder: Path) -> None:
    """Have the demo's results in the folder."""
    if made := os.environ.get("RESTEM_DEMO"):
        shutil.copytree(Path(made) / ".restem" / "store", folder / ".restem" / "store")
    cpu_s(argv_of("demo"), folder)


def cpu_s(argv: list[str], folder: Path) -> float:
    """CPU seconds of a command and of everything that it started."""
    before = _children_s()
    ended = subprocess.run(
        argv,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path_with_root()},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{argv} failed: {ended.stderr[-2000:]}")
    with suppress(ChildProcessError):
        while True:
            os.wait()
    return _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def begun_after_s(folder: Path) -> list[float]:
    """What flow runs on a real worker say of themselves."""
    ctypes.CDLL(None).prctl(SUBREAPER, 0, 0, 0, 0)
    pattern = re.compile(re.escape(BEGUN).replace("%\\.1f", r"([\d.]+)"))
    with machine_up(folder / "up", pools=("gpu",)) as machine:
        form = {"start_from": "demo", "settings": [f"run.store={folder}/.restem/store"]}
        ended = [machine.do("self-train/self-train", form) for _ in range(TURNS)]
        return [float(found[1]) for run in ended for found in [pattern.search(machine.logs(run.id))] if found]
