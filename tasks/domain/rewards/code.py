"""Code rewards: find the program of a completion; a sandbox outside of this package runs its tests.

A problem's `tests` are JSON text in one of the shapes of `sandbox/grading/tests.py`; under `hidden` it may carry more of them, held
back from the reward: an accepted program that fails them is a false positive of the visible ones, and is counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tasks.domain.fingerprint import digest_of
from tasks.domain.rewards import imported, register
from tasks.domain.rewards.base import Check, Decision, Executor, verdict_of
from tasks.domain.rewards.programs import complete, find_program
from tasks.domain.schema import Kind, Problem, Verdict
from tasks.domain.settings import VerifySettings

EXECUTOR = "tasks.graders.programs:ProgramExecutor"
MOST_REFERENCES = 10  # solutions of a problem that are tried before its tests are called broken


@register("code")
class CodeReward:
    """Correct when every test passes; unparseable when there is no program."""

    name = "code"
    version = "19"
    kind: Kind = "code"

    def prepare(self, problem: Problem, text: str) -> Check:
        tests = _tests(problem.tests or "{}")
        found = find_program(text, tests.get("entry_point") or tests.get("fn_name"))
        if found is None:
            return Check(decided=Decision("unparseable", {"rule": "no_program"}))
        payload = {
            "source": complete(found.source, tests), "tests": problem.tests or "{}", "prose": found.tag == "text",
        }  # fmt: skip
        return Check(payload, digest_of(payload), evidence={"found_by": found.tag})

    def prepare_gold(self, problem: Problem) -> Check:
        """The reference solutions, one after the other; a problem without any is taken on trust."""
        tests = _tests(problem.tests or "{}")
        references = list(references_of(problem))[:MOST_REFERENCES]
        if not references:
            return Check(decided=Decision("correct", {"rule": "no_reference"}))
        payload = {
            "source": complete(references[0], tests), "tests": problem.tests or "{}",
            "others": [complete(reference, tests) for reference in references[1:]],
        }  # fmt: skip
        return Check(payload, digest_of(payload))

    def executor(self, settings: VerifySettings) -> Executor:
        """Programs run where a container engine is; nothing of that is imported here."""
        made: Executor = imported(EXECUTOR)(settings)
        return made

    def judge(self, problem: Problem, result: Decision) -> Verdict:
        return verdict_of(problem, result)

    def gold_text(self, problem: Problem) -> str:
        return next(iter(references_of(problem)), "")


def references_of(problem: Problem) -> Sequence[str]:
    """Return the solutions by people, the problem's first one first."""
    others = problem.meta.get("solutions") or []
    first = problem.meta.get("solution")
    return [str(one) for one in dict.fromkeys([*([first] if first else []), *others])]


@lru_cache(maxsize=4096)
def _tests(text: str) -> Mapping[str, Any]:
    """The record, empty when it is no JSON object: the executor tells what is wrong with it."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
