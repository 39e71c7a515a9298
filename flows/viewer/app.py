"""The viewer as a web application: only reading, only for this machine, and no page that could run what a model wrote.

Requests that name another host are refused, so that a web site whose name resolves to loopback cannot read the pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.viewer.index import is_damage
from flows.viewer.pages.compare import compare_page
from flows.viewer.pages.metrics import metrics_page
from flows.viewer.pages.nights import nights_page, series_page
from flows.viewer.pages.run import data_set, download, report_page, run_page
from flows.viewer.pages.runs import runs_page
from flows.viewer.pages.samples import problem_page, sample_text, samples_page
from flows.viewer.viewer import STATIC, Viewer
from tasks.domain.errors import RestemError, UserError, one_sentence
from tasks.store.artifacts import Store

log = logging.getLogger("restem")

HOSTS = ["127.0.0.1", "localhost", "[::1]"]
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
}  # fmt: skip
Page = Callable[[Viewer, Request], Response]
PAGES: dict[str, Page] = {
    "/": runs_page,
    "/compare": compare_page,
    "/metrics": metrics_page,
    "/nights": nights_page,
    "/nights/{series}": series_page,
    "/run/{run}": run_page,
    "/run/{run}/report": report_page,
    "/run/{run}/samples": samples_page,
    "/run/{run}/problem": problem_page,
    "/run/{run}/sample/{number:int}.txt": sample_text,
    "/run/{run}/data/{iteration:int}.jsonl": data_set,
    "/run/{run}/file/{what}": download,
}


def make_app(store: Store, scratch: Path) -> Starlette:
    """Return the application that shows this store; indexes go into `scratch`."""
    viewer = Viewer(store, scratch)
    routes = [Route(path, _endpoint(viewer, page), methods=["GET"]) for path, page in PAGES.items()]
    return Starlette(
        routes=[*routes, Mount("/static", StaticFiles(directory=STATIC))],
        middleware=[Middleware(Guarded), Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
        exception_handlers={
            HTTPException: lambda request, error: _sentence(viewer, request, error),
            RestemError: lambda request, error: _sentence(viewer, request, error),
        },
    )  # fmt: skip


class Guarded:
    """Adds the headers that keep a page harmless to every answer; a page may send a stricter policy of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, guarded if scope["type"] == "http" else send)


def _endpoint(viewer: Viewer, page: Page) -> Callable[[Request], Response]:
    """Return a plain function, which Starlette runs in a thread: the store and the index wait for disks.

    An index that turns out to be damaged is built again and the page is made once more.
    """

    def answer(request: Request) -> Response:
        try:
            return page(viewer, request)
        except Exception as error:  # boundary: DuckDB's errors have no base that is there without it
            if not is_damage(error):
                raise
            log.warning(
                "the index of %s cannot be read and is built again", request.path_params.get("run"), exc_info=True
            )
            viewer.shelf.discard(request.path_params.get("run", ""))
            return page(viewer, request)

    return answer


def _sentence(viewer: Viewer, request: Request, error: Exception) -> Response:
    """Show an error in one sentence: 404 for what is not there, 502 for a store that does not answer."""
    if isinstance(error, HTTPException):
        return viewer.page(request, "error.html", status=error.status_code, sentence=error.detail)
    status = 404 if isinstance(error, UserError) else 502
    return viewer.page(request, "error.html", status=status, sentence=one_sentence(error))
