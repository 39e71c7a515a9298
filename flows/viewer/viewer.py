"""What every page of the viewer works with: the store, its indexes, its parsed results, and the templates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from flows.stored.runs import run_names, stored_tree, unknown_run
from flows.viewer.index import READERS
from flows.viewer.shelf import Shelf
from flows.viewer.text import seen
from tasks.domain.amounts import duration
from tasks.domain.run_result import RunResult
from tasks.report.text import amount, percent, points
from tasks.store.artifacts import Store
from tasks.store.places import RunPlaces

HERE = Path(__file__).parent
STATIC = HERE / "static"


class Viewer:
    """One store as pages show it. Nothing here writes to the store."""

    def __init__(self, store: Store, scratch: Path) -> None:
        self.store, self.shelf = store, Shelf(store, scratch)
        self._results: dict[str, tuple[str, RunResult]] = {}
        self._templates = templates()

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page made of a template."""
        text = self._templates.get_template(template).render(store=self.store.root_url, path=request.url.path, **values)
        return HTMLResponse(text, status)

    def runs(self) -> Iterator[tuple[str, dict[str, Any], RunResult | None]]:
        """Yield name, config and result of every run; folders without a config (of a series of nights) are left out."""
        names = run_names(self.store)
        with ThreadPoolExecutor(READERS) as readers:
            trees = readers.map(partial(stored_tree, self.store), names)
            results = readers.map(self.result, names)
            found = list(zip(names, trees, results, strict=True))
        yield from ((name, tree, result) for name, tree, result in found if tree is not None)

    def config(self, name: str) -> dict[str, Any]:
        """Return the config of a run; UserError when there is no such run."""
        tree = stored_tree(self.store, name) if name in run_names(self.store) else None
        if tree is None:
            raise unknown_run(self.store, name)
        return tree

    def result(self, name: str) -> RunResult | None:
        """Return the result of a run, parsed once for each state of its file."""
        try:
            data = self.store.read_bytes(RunPlaces(name).result)
        except FileNotFoundError:
            return None
        digest = hashlib.sha256(data).hexdigest()
        known = self._results.get(name)
        if known is None or known[0] != digest:
            self._results[name] = known = (digest, RunResult.from_json(data))
        return known[1]


def templates() -> Environment:
    """Return the environment of the templates: everything is escaped, and made visible before that."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, finalize=seen, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals.update(link=link)
    made.filters.update(amount=amount, duration=duration, percent=percent, points=points)
    return made


def link(*parts: str, **query: object) -> str:
    """Return the address of a page: `link("run", name, "problem", id=...)`."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    asked = [(name, str(value)) for name, value in query.items() if value not in ("", None)]
    return f"{path}?{urlencode(asked)}" if asked else path
