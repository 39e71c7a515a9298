"""Run the loop in this process: first every check, then an API, then the flow."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from flows.config import RunConfig
from flows.loop.em import self_train
from flows.operation.api import check_api, prefect_api
from flows.run.preflight import preflight, workspace_of
from tasks.domain.results import RunResult


@dataclass(frozen=True)
class Launched:
    """A finished run and where its report lies."""

    result: RunResult
    report: str


def launch(config: RunConfig) -> Launched:
    """Check everything, so that a mistake starts nothing, then run the flow against the configured or our own API."""
    check_api()
    preflight(config)
    with prefect_api(Path(os.environ.get("PREFECT_HOME", ".restem/prefect"))):
        result = self_train(config)
    return Launched(result, workspace_of(config).store.uri(f"runs/{config.run.name}/report.html"))
