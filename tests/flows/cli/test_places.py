"""Where the command line stores and works: as a worker does, by RESTEM_STORE and RESTEM_SCRATCH where the config says nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from flows.cli.arguments import config_of
from flows.operation.form import config_from_form
from tests.command import restem, write_config
from tests.rig import record, small_config, tiny_base


def test_the_environment_names_the_places_of_a_run_that_names_none(tmp_path: Path) -> None:
    config = small_config(tmp_path, tiny_base(tmp_path / "base"), loop={"iterations": 0})
    record(config)
    tree = config.model_dump(mode="json", exclude={"run": {"store", "scratch"}})
    path, here = write_config(tmp_path / "config.toml", tree), tmp_path / "here"
    here.mkdir()
    named = {
        "RESTEM_STORE": str(tmp_path / "named"),
        "RESTEM_SCRATCH": str(tmp_path / "work"),
        "PREFECT_HOME": str(tmp_path / "p"),
    }
    done = restem("run", str(path), folder=here, environment=named)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "named" / "runs" / "small").is_dir() and list((tmp_path / "work").iterdir())
    assert not list(here.iterdir())
    assert "small" in restem("ls", folder=here, environment=named).stdout


@pytest.mark.parametrize(
    ("said", "overrides", "wanted"), [("", [], "named"), ("said", [], "said"), ("said", ["run.scratch=told"], "told")]
)
def test_what_is_said_wins_over_the_environment(
    said: str, overrides: list[str], wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A committed config that a form starts from is read the same way."""
    path = write_config(tmp_path / "config.toml", {"run": {"name": "one"} | ({"scratch": said} if said else {})})
    monkeypatch.setenv("RESTEM_SCRATCH", "named")
    monkeypatch.setattr("flows.operation.form.CONFIGS", tmp_path)
    assert config_of(argparse.Namespace(overrides=overrides), path).run.scratch == wanted
    assert config_from_form("config", None, overrides).run.scratch == wanted
