"""Several golds of one problem: alternatives, any one of which is a right answer.

They are kept in `Problem.gold` as the JSON text of a list of texts, `["1/2", "0.5"]`, which no single gold looks like.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from tasks.domain.schema import Problem


def joined_golds(golds: Sequence[str]) -> str:
    """Return the gold that stands for these alternatives."""
    return json.dumps(list(golds), ensure_ascii=False)


def alternatives(gold: str | None) -> tuple[str, ...]:
    """Return the alternatives that a gold stands for; empty for a single gold."""
    if gold is None or not gold.startswith('["') or not gold.endswith('"]'):
        return ()
    try:
        found = json.loads(gold)
    except ValueError:
        return ()
    return tuple(found) if all(isinstance(one, str) for one in found) else ()


def with_each_gold(problem: Problem) -> list[Problem]:
    """Return the problem once for each of its alternatives; just itself where it has one gold."""
    return [replace(problem, gold=one) for one in alternatives(problem.gold)] or [problem]
