"""The samples of a run by filter and text, and one problem's samples side by side."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from flows.viewer.curves import histogram
from flows.viewer.pages.run import attachment
from flows.viewer.pages.waiting import samples_of
from flows.viewer.queries import LONGEST_TEXT, MOST_OF_A_PROBLEM, Filter, Row
from flows.viewer.shelf import Building
from flows.viewer.viewer import Viewer
from tasks.domain.equations import all_hold
from tasks.domain.errors import UserError

LONGEST_QUESTION = 8_000


@dataclass(frozen=True)
class Group:
    """One column of a problem's page: what one policy drew for one purpose."""

    title: str
    policy: str
    rows: tuple[Row, ...]

    @property
    def correct(self) -> int:
        return sum(row.label == "correct" for row in self.rows)


def samples_page(viewer: Viewer, request: Request) -> Response:
    """Show the samples that a filter lets through, with the histogram of their lengths."""
    name, wanted = request.path_params["run"], Filter.of(request.query_params)
    page = request.query_params.get("page", "1")
    if not (page.isascii() and page.isdigit()):
        raise UserError(f"page is {page[:40]!r}; expected a whole number from 1 on")
    config, samples = viewer.config(name), samples_of(viewer, request)
    if isinstance(samples, Building):
        return viewer.page(request, "waiting.html", run=name, building=samples)
    found = samples.find(wanted, int(page[:9]) - 1)
    return viewer.page(
        request, "samples.html", run=name, wanted=wanted, given=asdict(wanted), found=found, choices=samples.choices,
        built=samples.built, bars=histogram(found.bars, wanted, "tokens of a completion, by label"),
        why={row.id: why(row, [], config) for row in found.rows}, asked=samples.asked(row.problem for row in found.rows),
        remote=not viewer.store.is_local,
    )  # fmt: skip


def problem_page(viewer: Viewer, request: Request) -> Response:
    """Show a problem: question, gold, and its samples by policy with the verifier's evidence, base against last first."""
    name, wanted = request.path_params["run"], request.query_params.get("id", "")
    config, samples = viewer.config(name), samples_of(viewer, request)
    if isinstance(samples, Building):
        return viewer.page(request, "waiting.html", run=name, building=samples)
    problem, rows = samples.problem(wanted), samples.of_problem(wanted)
    if problem is None and not rows:
        raise UserError(f"run {name!r} has no problem {wanted[:200]!r}")
    groups = grouped(rows)
    return viewer.page(
        request, "problem.html", run=name, id=wanted, problem=problem or {}, groups=groups,
        base_and_last=base_and_last(groups), built=samples.built, evidence={row.id: evidence(row) for row in rows},
        why={row.id: why(row, rows, config) for row in rows}, most=LONGEST_TEXT, longest=LONGEST_QUESTION,
        first=MOST_OF_A_PROBLEM if len(rows) == MOST_OF_A_PROBLEM else 0,
    )  # fmt: skip


def sample_text(viewer: Viewer, request: Request) -> Response:
    """Return the whole text of a sample as a file."""
    name = request.path_params["run"]
    viewer.config(name)
    samples = samples_of(viewer, request)
    text = None if isinstance(samples, Building) else samples.text(request.path_params["number"])
    if text is None:
        raise UserError(f"run {name!r} has no such sample now; open its page again")
    return attachment(text, f"{name}-sample-{request.path_params['number']}.txt")


def grouped(rows: list[Row]) -> list[Group]:
    """Return the samples by iteration and purpose, in order."""
    keyed = groupby(rows, key=lambda row: (row.iteration, row.part, row.which, row.sampling, row.policy))
    return [Group(_title(key[0], *key[1:4]), key[4], tuple(some)) for key, some in keyed]


def base_and_last(groups: list[Group]) -> list[Group]:
    """Return the base's and the last policy's draws for the same purpose on test; empty when one of them is missing."""
    scored = [one for one in groups if one.rows[0].part == "test"]
    for kind in ("greedy", "sampled"):
        of_kind = [one for one in scored if one.rows[0].sampling == kind]
        if len(of_kind) > 1 and of_kind[0].rows[0].iteration == 0:
            return [of_kind[0], of_kind[-1]]
    return []


def evidence(row: Row) -> list[tuple[str, str]]:
    """Return what the verifier noted, in its order; text that is no JSON object as it is."""
    try:
        noted = json.loads(row.evidence or "{}")
    except ValueError:
        return [("evidence", str(row.evidence)[:LONGEST_TEXT])]
    if not isinstance(noted, dict):
        return [("evidence", str(noted)[:LONGEST_TEXT])]
    return [(str(name), _value(value)) for name, value in noted.items()]


def why(row: Row, of_problem: list[Row], config: dict[str, Any]) -> str:
    """Say why a sample became a training row or did not. `of_problem` may hold the problem's other samples."""
    settings = config.get("materialize", {})
    cap = settings.get("cap")
    if row.fate == "left over":
        return _left_over(row, of_problem, settings)
    return {
        "evaluation": "drawn to score a policy, never trained on",
        "kept": "kept: a training row",
        "not graded": "not kept: it has no verdict yet",
        "not accepted": f"not kept: the verdict is {(row.label or 'missing').replace('_', ' ')}",
        "cut": f"not kept: it ended by {row.finish}, not by itself",
    }.get(row.fate, f"{row.fate} (cap {cap})")


def _left_over(row: Row, of_problem: list[Row], settings: dict[str, Any]) -> str:
    if settings.get("equations") == "hold" and not row.cut and not all_hold(row.text):
        return "not kept: correct, but it writes a false equation"
    same = (
        one.draw
        for one in of_problem
        if one.fate == "kept" and one.iteration == row.iteration and _words(one) == _words(row)
    )
    if (first := next(same, None)) is not None:
        return f"not kept: correct, but the same as sample {first}"
    return f"not kept: correct, but equal to an earlier one or not needed (at most {settings.get('cap')} a problem)"


def _words(row: Row) -> list[str]:
    return row.text.split()


def _title(iteration: int | None, part: str, which: str, sampling: str) -> str:
    if part == "human":
        return "solutions by people"
    where = "by itself" if iteration is None else "base" if iteration == 0 else f"iteration {iteration}"
    return ", ".join(word for word in (where, part, which, sampling) if word)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} [cut]"
