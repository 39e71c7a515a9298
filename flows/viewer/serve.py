"""Serves the viewer on loopback: `python -m flows.viewer.serve --store URL --scratch DIR --port N`, as `restem up` starts it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from tasks.domain.errors import UserError
from tasks.processes.ports import free_port, is_taken
from tasks.store.artifacts import Store

HOST = "127.0.0.1"  # pages show everything in the store to whoever can open them


def serve(store: Store, scratch: Path, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted; port 0 takes a free one. UserError when the port is taken."""
    import uvicorn

    from flows.viewer.app import make_app

    port = port or free_port()
    if is_taken(port):
        raise UserError(f"port {port} is taken; end what listens there, or choose another with --port (0: a free one)")
    app = make_app(store, scratch)
    say(f"http://{HOST}:{port}")
    uvicorn.run(app, host=HOST, port=port, log_level="warning", server_header=False)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    serve(Store(given.store), given.scratch, given.port, lambda address: print(address, flush=True))


if __name__ == "__main__":
    main()
