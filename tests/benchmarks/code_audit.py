"""Kinds of programs and tests on which graders have failed: how many are accepted wrongly, and refused wrongly.

Rows are those of `code/audit_dev.jsonl` and `code/extraction_dev.jsonl` of the shared data (RESTEM_SHARED_DATA): programs with tests as
`restem grade code` reads them and the verdicts that a careful judge gives, and whole completions with what the program must and
must not contain. Needs a Docker engine.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sandbox.status import Status
from tasks.domain import digits
from tasks.domain.rewards.programs import find_program
from tasks.graders.program_file import grade_file
from tests.sandbox.grading.references import root

HEAD = ("kind", "rows", "accepted wrongly", "refused wrongly", "other verdict")


def main() -> dict[str, Any]:
    folder = root() / "code"
    table = audit_figures(folder / "audit_dev.jsonl") | {
        "extraction": extraction_figures(folder / "extraction_dev.jsonl")
    }
    for row in [HEAD, *((kind, *found.values()) for kind, found in table.items())]:
        print("  ".join(f"{cell!s:>16}" for cell in row))
    rows, right = (
        sum(one["rows"] for one in table.values()),
        sum(one["rows"] - sum(list(one.values())[1:]) for one in table.values()),
    )
    return {"kinds": table, "share_right": round(right / rows, 4)}


def audit_figures(path: Path) -> dict[str, dict[str, int]]:
    """By form of the tests. A row that cannot be graded counts as refused."""
    rows = list(_rows(path))
    found: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("rows", "accepted", "refused", "other"), 0))
    for row, graded in zip(rows, grade_file(str(path)).rows, strict=True):
        wanted, counts = row["expect"].split("|"), found[row["kind"]]
        counts["rows"] += 1
        if graded.verdict not in wanted:
            accepted = graded.verdict == Status.AC
            counts["accepted" if accepted else "refused" if Status.AC in wanted else "other"] += 1
    return dict(sorted(found.items()))


def extraction_figures(path: Path) -> dict[str, int]:
    """Whole completions: a program with something that it must not contain counts as accepted wrongly."""
    counts = dict.fromkeys(("rows", "accepted", "refused", "other"), 0)
    for row in _rows(path):
        program = find_program(row["completion"], row.get("entry_point"))
        source = program.source if program else ""
        counts["rows"] += 1
        if any(part in source for part in _listed(row["must_not_contain"])):
            counts["accepted"] += 1
        elif not all(part in source for part in _listed(row["must_contain"])):
            counts["refused"] += 1
    return counts


def _rows(path: Path) -> Iterable[Mapping[str, Any]]:
    return (digits.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip())


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    print(json.dumps(main()))
