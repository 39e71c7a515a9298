"""What the pages of samples do while their index is built."""

from __future__ import annotations

from starlette.requests import Request

from flows.viewer.queries import Samples
from flows.viewer.shelf import Building
from flows.viewer.viewer import Viewer


def samples_of(viewer: Viewer, request: Request) -> Samples | Building:
    """Return the run's samples, or how far their index is."""
    return viewer.shelf.samples(request.path_params["run"])
