"""Two to four runs side by side: what differs in their configs, their curves, paired differences, problems won and lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from flows.viewer.curves import curves
from flows.viewer.pages.run import curves_of
from flows.viewer.viewer import Viewer
from tasks.domain.comparison import compare
from tasks.domain.errors import UserError
from tasks.domain.run_result import IterationResult, PolicyScore, RunResult, share_correct
from tasks.report.tables import policy_name
from tasks.report.text import points

FEWEST, MOST = 2, 4
MOST_PROBLEMS = 100
RESAMPLES = 1000
PLACES = ("run.name", "run.store", "run.scratch")  # every run differs in them


@dataclass(frozen=True)
class Turned:
    """Problems that the later run solves and the first does not (`won`), and the other way round. `kind` says how it was measured."""

    run: str
    kind: str
    won: tuple[str, ...]
    lost: tuple[str, ...]
    both: int
    neither: int


def compare_page(viewer: Viewer, request: Request) -> Response:
    """Compare the runs that the address names; the first is what the others are compared with."""
    names = list(dict.fromkeys(request.query_params.getlist("run")))
    if not FEWEST <= len(names) <= MOST:
        raise UserError(f"{len(names)} runs were chosen; choose {FEWEST} to {MOST} of them on the page of runs")
    configs = {name: viewer.config(name) for name in names}
    results = {name: result for name in names if (result := viewer.result(name)) is not None}
    last = {name: row for name, result in results.items() if (row := last_scored(result)) is not None}
    first, *others = names
    lines = [one for colour, (name, result) in enumerate(results.items(), 1) for one in curves_of(result, name, colour)]
    return viewer.page(
        request, "compare.html", names=names, first=first, settings=differing(configs), lines=lines,
        curve=curves(lines, "pass@1 on test by iteration"), last={name: policy_name(row) for name, row in last.items()},
        differences=[(name, *difference(last, name, first)) for name in others],
        turned=[turned(last[first], last[name], name) for name in others if first in last and name in last],
        most=MOST_PROBLEMS,
    )  # fmt: skip


def last_scored(result: RunResult) -> IterationResult | None:
    """Return the last policy with a test score. The best one would be a choice by test."""
    return next((row for row in reversed(result.rows) if row.test is not None), None)


def differing(configs: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return the settings in which the runs differ: name, and the value of each run."""
    flat = {name: dict(_flat(config)) for name, config in configs.items()}
    keys = sorted({key for tree in flat.values() for key in tree} - set(PLACES))
    rows = [(key, [tree.get(key, "-") for tree in flat.values()]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def difference(last: Mapping[str, IterationResult], name: str, first: str) -> tuple[list[tuple[str, str]], str]:
    """Return (metric, paired difference in points) of a run minus the first; else a sentence that says why there is none."""
    if name not in last or first not in last:
        return [], "one of them has no evaluated policy yet"
    after, before = last[name].test, last[first].test
    assert after is not None and before is not None
    try:
        return list(_paired(_Scores(after, before))), ""
    except UserError as error:
        return [], str(error)


@dataclass(frozen=True)
class _Scores:
    """Two scores that are known by what was scored, so that a pair is resampled once."""

    after: PolicyScore
    before: PolicyScore

    def __hash__(self) -> int:
        return hash((self.after.policy_digest, self.before.policy_digest))


@lru_cache(maxsize=64)
def _paired(scores: _Scores) -> tuple[tuple[str, str], ...]:
    found = compare(scores.after, scores.before, 0, RESAMPLES)
    return tuple((one.metric, points(one.interval)) for one in found)


def turned(before: IterationResult, after: IterationResult, name: str) -> Turned:
    """Return the problems that changed sides, by the greedy answer where both have one, else by most of the samples."""
    assert before.test is not None and after.test is not None
    greedy = bool(before.test.greedy_outcomes and after.test.greedy_outcomes)
    kind = "greedy answer" if greedy else "more than half of the samples"
    old, new = (
        _solved(score.greedy_outcomes if greedy else score.sampled_outcomes) for score in (before.test, after.test)
    )
    both = [(problem, old[problem], new[problem]) for problem in old if problem in new]
    won = tuple(problem for problem, was, now in both if now and not was)
    lost = tuple(problem for problem, was, now in both if was and not now)
    return Turned(
        name,
        kind,
        won,
        lost,
        sum(was and now for _, was, now in both),
        sum(not was and not now for _, was, now in both),
    )


def _solved(outcomes: Mapping[str, str]) -> dict[str, bool]:
    shares = {problem: share_correct(text) for problem, text in outcomes.items()}
    return {problem: share > 0.5 for problem, share in shares.items() if not isnan(share)}


def _flat(tree: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        else:
            text = json.dumps(value, ensure_ascii=False, default=str)
            yield name, text if len(text) <= 200 else f"{text[:200]} [cut]"
