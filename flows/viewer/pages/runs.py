"""The first page: all runs of a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from flows.stored.runs import best_by_val
from flows.viewer.viewer import Viewer
from tasks.domain.run_result import IterationResult, RunResult
from tasks.report.text import points


@dataclass(frozen=True)
class Line:
    """One run as the list shows it."""

    name: str
    method: str
    base: str
    data: str
    status: str
    started: str
    best: str
    gain: str
    tokens: int
    seconds: float


def runs_page(viewer: Viewer, request: Request) -> Response:
    """Show every run, the newest first."""
    lines = [line_of(name, config, result) for name, config, result in viewer.runs()]
    lines.sort(key=lambda line: (line.started, line.name), reverse=True)
    return viewer.page(request, "runs.html", lines=lines)


def line_of(name: str, config: Mapping[str, Any], result: RunResult | None) -> Line:
    """Return what the list says of a run; one without a result has only begun."""
    rows = result.rows if result else ()
    best = best_by_val(result) if result else None
    train = config.get("data", {}).get("train", {})
    return Line(
        name, config.get("run", {}).get("preset", ""), config.get("model", {}).get("base", ""), " ".join(filter(None, (train.get("kind"), train.get("path")))),
        result.status if result else "started", result.started if result else "",
        f"iteration {best.number}" if best else "", gain_of(result, best), sum(row.tokens for row in rows),
        sum(sum(row.seconds.values()) for row in rows),
    )  # fmt: skip


def gain_of(result: RunResult | None, row: IterationResult | None) -> str:
    """Return the paired gain of a policy over the base on test: greedy where it was drawn, else sampled."""
    if result is None or row is None:
        return ""
    found = {one.metric: one.interval for one in result.differences if one.number == row.number}
    metric = next((name for name in ("greedy", "sampled") if name in found), None)
    return f"{points(found[metric])} {metric}" if metric else ""
