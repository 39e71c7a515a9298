"""Where an audit is kept: beside the run, and as a section of its report."""

from __future__ import annotations

import json
from dataclasses import replace

from flows.run.recorder import read_result
from tasks.domain.audit import AuditSummary
from tasks.report.page import render_html
from tasks.store.artifacts import Store


def keep_audit(store: Store, summary: AuditSummary) -> None:
    """Write `audit.json`, and the result and report with the audit in them."""
    store.write_json(f"runs/{summary.run}/audit.json", summary.to_json())
    result = read_result(store, summary.run, missing_ok=True)
    if result is not None:
        result = replace(result, audit=summary)
        store.write_bytes(f"runs/{summary.run}/result.json", json.dumps(result.to_json(), indent=1).encode())
        store.write_bytes(f"runs/{summary.run}/report.html", render_html(result).encode("utf-8"))
