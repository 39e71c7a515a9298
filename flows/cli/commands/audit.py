"""`restem audit RUN`: what the verdicts of a run are worth, and a page on which a person labels samples."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.cli.arguments import store_argument, store_of
from flows.cli.command import command

if TYPE_CHECKING:
    from flows.stored.audit.audit import Audited


def declare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "--page", metavar="FILE.html", type=Path, help="write the labelling page here (default: RUN-label.html)"
    )
    parser.add_argument("--samples", type=int, default=50, metavar="N", help="for a person to label (default 50)")
    parser.add_argument(
        "--compare",
        type=int,
        default=500,
        metavar="N",
        help="shown to the second grader, a place (default 500; 0: none)",
    )
    parser.add_argument(
        "--labels", metavar="FILE.jsonl", help="what the page downloaded: gives error rates with intervals"
    )
    parser.add_argument(
        "--corrections", metavar="FILE.jsonl", type=Path, help="with --labels: write what overrules the grader"
    )
    store_argument(parser)


def audit_run(arguments: argparse.Namespace) -> int:
    from flows.cli.audit_text import audit_text
    from flows.cli.text import show
    from flows.stored.audit.audit import audit
    from flows.stored.audit.keep import keep_audit
    from flows.stored.audit.labels import corrections_of, read_labels
    from flows.stored.audit.page import label_page
    from tasks.domain.errors import UserError

    if arguments.corrections and not arguments.labels:
        raise UserError("--corrections needs --labels FILE: what people said is what overrules the grader")
    labels = read_labels(arguments.labels) if arguments.labels else None
    store = store_of(arguments)
    second = None if arguments.compare else "not asked"
    found = audit(store, arguments.run, labels, arguments.compare, arguments.samples, second)
    keep_audit(store, found.summary)
    page = _written(arguments, label_page(arguments.run, found.to_label), found)
    if arguments.corrections:
        _append(arguments.corrections, corrections_of(found.said))
    return show(arguments, found.summary.to_json(), lambda: audit_text(found, page, arguments.corrections))


def _written(arguments: argparse.Namespace, text: str, found: Audited) -> Path | None:
    """Write the labelling page, unless labels were given and no page was asked for."""
    if arguments.labels and not arguments.page:
        return None
    page: Path = arguments.page or Path(f"{found.summary.run}-label.html")
    page.write_text(text, encoding="utf-8")
    return page


def _append(path: Path, lines: Sequence[object]) -> None:
    """Append to a corrections file the lines that it does not hold yet."""
    import json

    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    new = [line for line in (json.dumps(one, ensure_ascii=False) for one in lines) if line not in before]
    path.write_text("".join(f"{line}\n" for line in [*before, *new]), encoding="utf-8")


COMMAND = command(
    "audit", "what the verdicts of a run are worth: a second grader, false equations, labels by people",
    declare_arguments, audit_run, place=65,
)  # fmt: skip
