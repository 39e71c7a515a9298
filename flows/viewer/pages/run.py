"""One run: its table, its curves, its report, and everything that can be taken away from it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from flows.stored.trace import RunRecords
from flows.viewer.curves import Curve, curves
from flows.viewer.pages.runs import line_of
from flows.viewer.viewer import Viewer
from tasks.domain.errors import UserError
from tasks.domain.run_result import RunResult
from tasks.report.tables import addresses, blocks, columns, estimate, headline, policy_name, totals_line, unknowns
from tasks.store.artifacts import Manifest
from tasks.store.places import RunPlaces
from tasks.store.slots import Slot

# A stored page is shown as it is, without scripts, network or our own origin, whoever wrote it.
STORED_PAGE = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"


def run_page(viewer: Viewer, request: Request) -> Response:
    """Show a run, finished or not."""
    name = request.path_params["run"]
    config, result = viewer.config(name), viewer.result(name)
    return viewer.page(
        request, "run.html", run=name, line=line_of(name, config, result), result=result,
        headline=headline(result) if result else "No iteration has ended yet.",
        blocks=[(block.title, block.grid(result)) for block in blocks(result)] if result else [],
        totals=totals_line(result) if result else "",
        notes=[*unknowns(result).splitlines(), *result.notes] if result else [],
        curve=curves(curves_of(result), f"pass@1 of {name}") if result else "",
        lines=curves_of(result) if result else [],
        places=[(policy_name(row), what, where) for row in (result.rows if result else ()) for what, where in addresses(row).items()],
        iterations=[row.number for row in result.iterations] if result else [],
        config=json.dumps(config, indent=2, ensure_ascii=False), address=viewer.store.uri(RunPlaces(name).report),
    )  # fmt: skip


def curves_of(result: RunResult, label: str = "", colour: int = 1) -> list[Curve]:
    """Return greedy and sampled pass@1 on test by iteration; of several runs each has a colour, and sampled is dashed."""
    found = []
    for place, kind in enumerate(("greedy", "sampled")):
        points = {row.number: value for row in result.rows if (value := estimate(row, kind)) is not None}
        if points:
            name = f"{label}, {kind}" if label else kind
            found.append(Curve(name, points, colour if label else colour + place, bool(label and place)))
    return found


def report_page(viewer: Viewer, request: Request) -> Response:
    """Return the stored report, as the run wrote it."""
    name = request.path_params["run"]
    viewer.config(name)
    try:
        data = viewer.store.read_bytes(RunPlaces(name).report)
    except FileNotFoundError as error:
        raise UserError(f"run {name!r} has no report yet; it is written when the first iteration ends") from error
    return HTMLResponse(data, headers={"Content-Security-Policy": STORED_PAGE})


def download(viewer: Viewer, request: Request) -> Response:
    """Return the run's result, config or table as a file."""
    name, what = request.path_params["run"], request.path_params["what"]
    config, result = viewer.config(name), viewer.result(name)
    if what == "config.json":
        return attachment(json.dumps(config, indent=1, ensure_ascii=False), f"{name}-config.json")
    if result is None:
        raise UserError(f"run {name!r} has no result yet; it is written when the first iteration ends")
    if what == "result.json":
        return attachment(json.dumps(result.to_json(), indent=1), f"{name}-result.json")
    return attachment(table_csv(result), f"{name}-table.csv")


def table_csv(result: RunResult) -> str:
    """Return the run's table as CSV."""
    out, shown = io.StringIO(), columns(result)
    writer = csv.writer(out)
    writer.writerow([column.title for column in shown])
    writer.writerows([column.one_line(row) for column in shown] for row in result.rows)
    return out.getvalue()


def data_set(viewer: Viewer, request: Request) -> Response:
    """Return the training rows of an iteration as JSON lines, part by part."""
    name, number = request.path_params["run"], request.path_params["iteration"]
    viewer.config(name)
    manifest = RunRecords(viewer.store, name).at(Slot.of(number, stage="materialize"))
    if manifest is None:
        raise UserError(f"iteration {number} of run {name!r} has no data set")
    headers = {"Content-Disposition": f'attachment; filename="{name}-iteration-{number}.jsonl"'}
    return StreamingResponse(_json_lines(viewer, manifest), media_type="application/x-ndjson", headers=headers)


def _json_lines(viewer: Viewer, manifest: Manifest) -> Iterator[str]:
    for table in viewer.store.tables(viewer.store.ref(manifest)):
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())


def attachment(text: str, name: str) -> Response:
    """Return text as a file that browsers save and never show."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode("utf-8", "replace"), media_type="text/plain; charset=utf-8", headers=headers)
