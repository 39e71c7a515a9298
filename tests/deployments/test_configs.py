"""Every committed config parses and states only what differs from the defaults."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from flows.comparison.design import is_comparison
from flows.config import load_config, make_config

CONFIGS = sorted(
    path for path in (Path(__file__).parents[2] / "deployments" / "configs").glob("*.toml") if not is_comparison(path)
)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_committed_config_parses(path: Path) -> None:
    assert load_config(path).run.name == path.stem


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_config_that_needs_a_gpu_or_the_hub_says_that_it_is_untried(path: Path) -> None:
    base = load_config(path).model.base
    on_hub = not base.startswith(("builtin:", ".", "/")) and "://" not in base
    assert not on_hub or "UNTRIED" in path.read_text().splitlines()[0]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_committed_config_has_no_unknown_section(path: Path) -> None:
    tree = tomllib.loads(path.read_text())
    assert set(tree) <= set(load_config(path).model_dump())


def test_a_set_that_names_no_split_gets_its_own() -> None:
    data = make_config({"data": {"val": {"limit": 5}, "test": {"kind": "math", "limit": 5}}}).data
    assert (data.train.split, data.val.split, data.test.split) == ("train", "val", "test")
