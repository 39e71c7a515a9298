"""Which code each reward decides with, as a digest: `python -m tests.reward_versions [--write | --same-results]`.

A reward is found by its name, so the digests of the stages do not see its code. Its `version` stands in their keys: whenever
the code changes, raise it and `--write`, or say `--same-results` for a change that no verdict can notice.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from pathlib import Path

from tasks.domain.rewards import reward_named
from tests.stage_versions import digest_of_code, source_of, without_docstrings

RECORD = Path(__file__).with_suffix(".json")
# The module that judges, by itself; and those that extract and compare, with all that they import.
JUDGES = {"math": "tasks.domain.rewards.math", "exact": "tasks.domain.rewards.simple"}
DECIDERS = {
    "math": ("tasks.domain.rewards.extraction", "tasks.domain.rewards.equivalence.decide"),
    "exact": ("tasks.domain.rewards.extraction",),
}


def fingerprints() -> dict[str, dict[str, str]]:
    return {name: {"version": reward_named(name).version, "code": _code(name)} for name in JUDGES}


def _code(name: str) -> str:
    judge = ast.dump(without_docstrings(ast.parse(source_of(JUDGES[name]) or "")))
    return hashlib.sha256((judge + "".join(map(digest_of_code, DECIDERS[name]))).encode()).hexdigest()[:16]


def recorded() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(RECORD.read_text())
    return found


def main(arguments: list[str]) -> int:
    now, before = fingerprints(), recorded() if RECORD.exists() else {}
    stale = [
        name
        for name in before
        if now[name]["code"] != before[name]["code"] and now[name]["version"] == before[name]["version"]
    ]
    if stale and "--same-results" not in arguments:
        print(
            f"the code of {', '.join(stale)} changed but its version did not: raise it, or say --same-results",
            file=sys.stderr,
        )
        return 1
    if arguments:
        RECORD.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
