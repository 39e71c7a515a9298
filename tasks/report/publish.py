"""The run's markdown as a Prefect artifact, beside the flow run in the interface."""

from __future__ import annotations

import re

from tasks.domain.results import RunResult
from tasks.report.tables import as_markdown


def publish_artifacts(result: RunResult) -> None:
    """Create the artifact `report-<run>`; each call adds a version. Call it inside a flow or task run."""
    from prefect.artifacts import create_markdown_artifact

    create_markdown_artifact(as_markdown(result), key=artifact_key(result.name), description=f"Report of {result.name}")


def artifact_key(name: str) -> str:
    """Prefect's keys are lower-case letters, digits and dashes."""
    return "report-" + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "run")
