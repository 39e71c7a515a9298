"""Writes a run to MLflow: one MLflow run with metrics by iteration, beside the runs of its trainings; plots and samples as files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tasks.domain.fingerprint import digest_of
from tasks.domain.trackers import mlflow_address, mlflow_experiment
from tasks.report.publish import on_white
from tasks.report.tracked import Tracked

STATES = {"completed": "FINISHED", "stopped": "FINISHED", "failed": "FAILED"}
OURS, SEEN = "restem.run", "restem.iteration"  # tags: the run's name; what was logged of an iteration


def write(tracked: Tracked, folder: Path) -> None:
    """Write what is new: an iteration whose figures were logged already is not logged again."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before the import
    from mlflow.tracking import MlflowClient

    folder.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(tracking_uri=mlflow_address(folder))
    run = _run(client, tracked.name, folder)
    for number, figures in tracked.metrics.items():
        tag, mark = f"{SEEN}-{number}", digest_of(figures)
        if run.data.tags.get(tag) == mark:
            continue
        for name, value in figures.items():
            client.log_metric(run.info.run_id, name, value, int(tracked.ended[number] * 1000), number)
        client.set_tag(run.info.run_id, tag, mark)
    for name, svg in tracked.pictures.items():
        client.log_text(run.info.run_id, on_white(svg), f"plots/{name}.svg")
    for number, text in tracked.samples.items():
        client.log_text(run.info.run_id, text, f"samples/iteration-{number}.md")
    if tracked.status in STATES:
        client.set_terminated(run.info.run_id, STATES[tracked.status])


def _run(client: Any, name: str, folder: Path) -> Any:
    """Return the MLflow run of this run of ours, found by its tag or made now."""
    title = mlflow_experiment(name)
    experiment = client.get_experiment_by_name(title)
    local = client.tracking_uri.startswith("sqlite:")
    place = (folder / "mlflow-artifacts").absolute().as_uri() if local else None
    number = experiment.experiment_id if experiment else client.create_experiment(title, artifact_location=place)
    found = client.search_runs([number], f"tags.`{OURS}` = '{name}'", max_results=1)
    return found[0] if found else client.create_run(number, run_name=name, tags={OURS: name})
