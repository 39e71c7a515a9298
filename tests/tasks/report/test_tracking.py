"""A run in trackers, read back with their own clients: figures by iteration, plots and samples, once each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.domain.run_result import RunResult
from tasks.domain.settings import FinetuneSettings
from tasks.domain.trackers import TRACKERS, absent, mlflow_address, mlflow_experiment, tensorboard_folder
from tasks.report.figures import drawn
from tasks.report.svg import as_png
from tasks.report.tracking import metrics, track
from tests.made_up_run import made_up_run

NAMES = ("tensorboard", "mlflow")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> RunResult:
    for variable in ("TENSORBOARD_LOGGING_DIR", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(variable, raising=False)
    whole = made_up_run()
    return replace(
        whole, iterations=tuple(replace(row, ended=f"2025-06-01T02:0{row.number}:00+00:00") for row in whole.iterations)
    )


def expected(run: RunResult) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for row in run.rows:
        for name, value in metrics(row):
            found.setdefault(name, {})[row.number] = value
    return found


def in_steps(run: RunResult, folder: Path) -> None:
    """As a run does it: after each iteration, and once more by a rerun that finds all of it stored."""
    for count in range(len(run.iterations) + 1):
        track(replace(run, iterations=run.iterations[:count], status="running"), folder, NAMES)
    for _ in range(2):
        track(run, folder, NAMES)


def test_tensorboard_reads_figures_plots_and_samples(run: RunResult, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    in_steps(run, tmp_path)
    read = EventAccumulator(
        tensorboard_folder(tmp_path, "iterations"), size_guidance={"images": 0, "tensors": 0, "scalars": 0}
    )
    read.Reload()
    scalars = {name: {one.step: one.value for one in read.Scalars(name)} for name in read.Tags()["scalars"]}
    same(scalars, expected(run))
    assert {f"plots/{one.figure.name}" for one in drawn(run)} == set(read.Tags()["images"])
    (plot,) = read.Images("plots/learning-curve")
    assert plot.encoded_image_string.startswith(b"\x89PNG") and plot.width > 300
    assert [one.step for one in read.Tensors("samples")] == [0, 1, 2, 3]
    assert b"expected" in read.Tensors("samples")[0].tensor_proto.string_val[0]


def test_mlflow_reads_figures_plots_and_samples(run: RunResult, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    in_steps(run, tmp_path)
    client = MlflowClient(tracking_uri=mlflow_address(tmp_path))
    experiment = client.get_experiment_by_name(mlflow_experiment(run.name))
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_name, found.info.status) == ("made-up", "FINISHED")
    read = {name: client.get_metric_history(found.info.run_id, name) for name in found.data.metrics}
    assert all(len({one.step for one in history}) == len(history) for history in read.values())  # nothing twice
    same({name: {one.step: one.value for one in history} for name, history in read.items()}, expected(run))
    assert {one.path for one in client.list_artifacts(found.info.run_id, "plots")} == {
        f"plots/{one.figure.name}.svg" for one in drawn(run)
    }
    assert len(client.list_artifacts(found.info.run_id, "samples")) == len(run.rows)
    text = Path(client.download_artifacts(found.info.run_id, "plots/learning-curve.svg")).read_text()
    assert text.startswith("<svg") and "var(" not in text


def same(found: Mapping[str, Mapping[int, float]], wanted: Mapping[str, Mapping[int, float]]) -> None:
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        assert found[name] == pytest.approx(values, rel=1e-6), name


def test_a_tracker_that_fails_costs_the_run_nothing(
    run: RunResult, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    track(run, tmp_path, ("tensorboard",))
    assert "tracker tensorboard failed" in caplog.text


def test_pictures_become_images_in_real_colours(run: RunResult) -> None:
    from io import BytesIO

    from matplotlib.image import imread

    for one in drawn(run):
        png = as_png(one.svg)
        assert png is not None
        pixels = imread(BytesIO(png.data))
        assert pixels.shape[:2] == (png.height, png.width)
        assert len({tuple(pixel) for pixel in (pixels[::3, ::3, :3] * 8).astype(int).reshape(-1, 3)}) > 5, (
            one.figure.name
        )
    assert as_png("<svg></svg>") is None


@pytest.mark.parametrize(
    ("given", "found"),
    [("none", ()), ("tensorboard", ("tensorboard",)), (["mlflow", "all"], ("mlflow", "all")), ("all", ("all",))],
)
def test_trackers_are_named_as_trl_names_them(given: Any, found: tuple[str, ...]) -> None:
    settings = FinetuneSettings(report_to=given)
    assert settings.report_to == found
    assert settings.content() == FinetuneSettings().content()


def test_the_names_are_those_of_the_trainer() -> None:
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    assert set(TRACKERS) == set(INTEGRATION_TO_CALLBACK)
    assert absent(["tensorboard", "all"]) is None and absent(["neptune"]) == "neptune"
