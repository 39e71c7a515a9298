"""The run's markdown as a Prefect artifact, beside the flow run in the interface."""

from __future__ import annotations

import re

from tasks.domain.results import RunResult
from tasks.report.tables import as_markdown, without_password


def publish_artifacts(result: RunResult, address: str = "") -> None:
    """Create the artifact `report-<run>`; each call adds a version. `address` is where report.html lies.

    Call it inside a flow or task run: the artifact then shows beside it.
    """
    from prefect.artifacts import create_markdown_artifact

    description = f"Report of {result.name}" + (f"; the whole page: {without_password(address)}" if address else "")
    create_markdown_artifact(as_markdown(result), key=artifact_key(result.name), description=description)


def artifact_key(name: str) -> str:
    """Prefect's keys are lower-case letters, digits and dashes."""
    return "report-" + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "run")
