"""Series of nights: what each gate decided, and what `latest` is."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from flows.loop.series import Series
from flows.stored.nights import Night, series_in
from flows.stored.policies import promoted
from flows.stored.runs import run_names
from flows.viewer.viewer import Viewer
from tasks.domain.errors import UserError


def nights_page(viewer: Viewer, request: Request) -> Response:
    """Show every series of the store with its last night."""
    series = [(name, Series(viewer.store, name).all(), promoted(viewer.store, name)) for name in names(viewer)]
    return viewer.page(request, "nights.html", series=series)


def series_page(viewer: Viewer, request: Request) -> Response:
    """Show the nights of one series, the newest first."""
    name = request.path_params["series"]
    if name not in names(viewer):
        raise UserError(
            f"there is no series {name!r} in this store; series there: {', '.join(names(viewer)) or 'none'}"
        )
    nights = list(reversed(Series(viewer.store, name).all()))
    runs = set(run_names(viewer.store))
    rows = [(night, run if (run := f"{name}-{night.night}") in runs else "", spent(night)) for night in nights]
    latest = promoted(viewer.store, name)
    made = datetime.fromtimestamp(latest.created, UTC).isoformat(timespec="minutes") if latest else ""
    return viewer.page(request, "series.html", series=name, rows=rows, latest=latest, made=made)


def names(viewer: Viewer) -> list[str]:
    """Return the names of all series."""
    return series_in(viewer.store)


def spent(night: Night) -> float | None:
    """Return the seconds from a night's begin to its end; None while it goes on."""
    return None if night.ended is None else night.ended - night.started
