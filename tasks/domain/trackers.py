"""Trackers of experiments by the names that TRL gives them, and where those that write files do it.

A run and its trainings report to the same place: `<scratch>/trackers/<run>`, unless the tracker's own variables say otherwise.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

# name -> the module that it needs; the names are those of transformers.integrations (INTEGRATION_TO_CALLBACK of 5.19)
TRACKERS: Mapping[str, str] = MappingProxyType({
    "azure_ml": "azureml", "clearml": "clearml", "codecarbon": "codecarbon", "comet_ml": "comet_ml", "dagshub": "dagshub",
    "dvclive": "dvclive", "flyte": "flytekit", "kubeflow": "kubeflow", "mlflow": "mlflow", "neptune": "neptune", "swanlab": "swanlab",
    "tensorboard": "tensorboard", "trackio": "trackio", "wandb": "wandb",
})  # fmt: skip
ALL, NONE = "all", "none"


def absent(names: Iterable[str]) -> str | None:
    """Return the first tracker that is not installed, or None."""
    return next((name for name in names if name in TRACKERS and importlib.util.find_spec(TRACKERS[name]) is None), None)


def chosen(names: Iterable[str]) -> set[str]:
    """Return the names with `all` written out as those that are installed."""
    asked = set(names)
    return {name for name in TRACKERS if absent([name]) is None} if ALL in asked else asked


def tensorboard_folder(folder: Path, training: str) -> str:
    """Return where a training or the run itself (`iterations`) logs."""
    return os.environ.get("TENSORBOARD_LOGGING_DIR") or str(folder / "tensorboard" / training)


def mlflow_address(folder: Path) -> str:
    """Return MLflow's tracking address: the one that its own variable names, else a file beside the run's other trackers."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(folder / 'mlflow.db').absolute()}"


def mlflow_experiment(run: str) -> str:
    """Return the experiment that holds the run and its trainings."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or f"restem-{run}"
