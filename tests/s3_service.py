"""The process of `tests.s3`: moto's server, whose conditional puts are made atomic. Run as `python -m tests.s3_service PORT`.

moto looks for the object and stores it in two steps, so of two conditional puts at once both can be answered with 200.
S3 answers one of them with 412 ("Conditional writes" in the S3 user guide), which is what the store is built on.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def one_conditional_put_at_a_time(application: Application) -> Application:
    """Return the application with its answers to requests that carry If-None-Match made one after the other."""
    turn = threading.Lock()

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "HTTP_IF_NONE_MATCH" not in environ:
            return application(environ, start_response)
        with turn:
            return list(application(environ, start_response))

    return answer


if __name__ == "__main__":
    service = one_conditional_put_at_a_time(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", int(sys.argv[1]), service, threaded=True, request_handler=MotoRequestHandler)
