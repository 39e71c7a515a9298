"""Which code each reward decides with, as a digest: `python -m tests.reward_versions [--write | --same-results]`.

A reward is found by its name, so the digests of the stages do not see its code. Its `version` stands in their keys: whenever
the code changes, raise it and `--write`, or say `--same-results` for a change that no verdict can notice.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from pathlib import Path

from tasks.domain.rewards import REWARDS, reward_named
from tests.stage_versions import digest_of_code, keep, source_of, without_docstrings

RECORD = Path(__file__).with_suffix(".json")
# Where a reward's own file is not the whole of it: the modules that judge, by themselves; and those that extract and compare,
# with all that they import.
JUDGES = {
    "math": ("tasks.domain.rewards.math",),
    "exact": ("tasks.domain.rewards.simple",),
    "code": (
        "tasks.domain.rewards.code", "tasks.graders.programs", "sandbox.grading.grading", "sandbox.grading.calls", "sandbox.grading.asserts", "sandbox.grading.outcome",
        "sandbox.grading.program", "sandbox.image.inside.call", "sandbox.image.inside.tester",
        "sandbox.image.inside.calls", "sandbox.image.inside.program", "sandbox.image.inside.prelude", "sandbox.image.inside.remote",
        "sandbox.image.inside.pytest_like", "sandbox.image.inside.shared", "sandbox.image.inside.lent", "sandbox.image.inside.operations",
        "sandbox.image.inside.referring", "sandbox.image.inside.lending", "sandbox.image.inside.failures", "sandbox.image.inside.standing",
        "sandbox.image.inside.telling", "sandbox.image.inside.arrays", "sandbox.image.inside.guards", "sandbox.image.inside.sameness",
    ),
}  # fmt: skip
DECIDERS = {
    "code": (
        "tasks.domain.rewards.programs",
        "sandbox.grading.compare",
        "sandbox.grading.tests",
        "sandbox.grading.rewriting",
        "sandbox.grading.planning.plan",
        "sandbox.grading.values",
    ),
    "math": ("tasks.domain.rewards.extraction", "tasks.domain.equivalence.decide"),
    "exact": ("tasks.domain.rewards.extraction",),
}


def fingerprints() -> dict[str, dict[str, str]]:
    return {name: {"version": reward_named(name).version, "code": _code(name)} for name in sorted(REWARDS.built_in)}


def _code(name: str) -> str:
    if name not in JUDGES:  # a reward of one file: that, with all that it imports
        return digest_of_code(REWARDS.built_in[name])
    judge = "".join(ast.dump(without_docstrings(ast.parse(source_of(module) or ""))) for module in JUDGES[name])
    return hashlib.sha256((judge + "".join(map(digest_of_code, DECIDERS[name]))).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(keep(RECORD, fingerprints(), sys.argv[1:]))
