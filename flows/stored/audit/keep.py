"""Keeps an audit beside the run, and as a section of its report."""

from __future__ import annotations

import json
from dataclasses import replace

from flows.stored.runs import result_of
from flows.stored.viewer_address import address_of
from tasks.domain.audit import AuditSummary
from tasks.report.page import render_html
from tasks.store.artifacts import Store
from tasks.store.places import RunPlaces


def keep_audit(store: Store, summary: AuditSummary) -> None:
    """Write `audit.json`, and write the result and report again with the audit in them."""
    places = RunPlaces(summary.run)
    store.write_json(places.audit, summary.to_json())
    result = result_of(store, summary.run)
    if result is not None:
        result = replace(result, audit=summary)
        store.write_bytes(places.result, json.dumps(result.to_json(), indent=1).encode())
        store.write_bytes(places.report, render_html(result, address_of(result)).encode("utf-8"))
