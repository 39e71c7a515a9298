"""The parent's side: it starts a child for the parts of each module, takes each part's outcome, and ends a child whose part takes too long.

After a part that hangs or kills its process the module's other parts run in a new child.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path

from tasks.processes.guard import GuardedProcess, spawn
from tests.gpu.program import Request
from tests.gpu.results import PartResult
from tests.gpu.settings import PARTS, Part, Smoke

POLL_S = 0.2
LEAST_S = 20.0  # a part with less time than this is not begun
IMPORTS_S = 60.0  # of a new child, on top of its first part's limit


def run_parts(
    settings: Smoke, names: Sequence[str], deadline: float, parts: Mapping[str, Part] = PARTS
) -> Iterator[PartResult]:
    """Yield the outcome of each part as soon as it is known. No part goes on after `deadline` (of the monotonic clock)."""
    lost: set[str] = set()
    for module, members in itertools.groupby(names, key=lambda name: parts[name].module):
        pending = {name: parts[name] for name in members}
        for number in itertools.count():
            found = (
                _one_child(settings, module, dict(pending), lost, number, deadline)
                if _time_for_more(deadline)
                else _none(pending)
            )
            for result in found:
                del pending[result.part]
                lost |= {result.part} if result.lost else set()
                yield result
            if not pending:
                break


def _time_for_more(deadline: float) -> bool:
    return deadline - time.monotonic() > LEAST_S


def _none(pending: Iterable[str]) -> list[PartResult]:
    return [PartResult(name, "not run", 0.0, "no time was left for it") for name in pending]


def _one_child(
    settings: Smoke, module: str, parts: Mapping[str, Part], lost: Set[str], number: int, deadline: float
) -> Iterator[PartResult]:
    """Run as many of the parts as one child manages: at least the first has an outcome afterwards."""
    folder, group = settings.folder / "work", module.rpartition(".")[2]
    folder.mkdir(parents=True, exist_ok=True)
    lines, file, log = folder / f"{group}-{number}.jsonl", folder / f"{group}-{number}.json", folder / f"{group}.log"
    lines.unlink(missing_ok=True)
    needs = {name: part.needs for name, part in parts.items()}
    file.write_text(Request(module, needs, tuple(lost), str(lines), settings).to_json())
    with spawn([sys.executable, "-m", "tests.gpu.program", str(file)], log_path=log) as child:
        for told, (name, part) in enumerate(parts.items()):
            began = time.monotonic()
            until = began + part.limit_s + (0 if told else IMPORTS_S)
            ended = _wait(child, lines, told, min(until, deadline))
            found = _lines(lines)[told:]
            if not found:
                yield _lost(name, child, ended, time.monotonic() - began, until > deadline, log)
                return
            yield found[0]


def _wait(child: GuardedProcess, lines: Path, told: int, until: float) -> bool:
    """Wait for one more line; returns whether the child has ended."""
    while len(_lines(lines)) <= told and time.monotonic() < until:
        try:
            child.wait(POLL_S)
        except subprocess.TimeoutExpired:
            continue
        return True
    return False


def _lost(name: str, child: GuardedProcess, ended: bool, spent: float, total: bool, log: Path) -> PartResult:
    if not ended:
        child.stop(grace_s=5)
        whose = "the time for all parts" if total else "its limit"
        return PartResult(
            name, "timed out", round(spent, 1), f"it was ended after {spent:.0f} s, {whose}; see {log.name}"
        )
    last = next((line for line in reversed(child.log_tail(60).splitlines()) if line.strip()), "its log is empty")
    return PartResult(name, "failed", round(spent, 1), f"its process ended with code {child.wait()}: {last[:400]}")


def _lines(file: Path) -> list[PartResult]:
    """Return the complete lines."""
    if not file.exists():
        return []
    whole, _, _ = file.read_text().rpartition("\n")
    return [PartResult(**json.loads(line)) for line in whole.splitlines()]
