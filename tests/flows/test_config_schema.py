"""The schema of configs agrees with the loader: committed configs pass, and what the loader refuses by its form does not."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from flows.cli.main import main
from flows.comparison.design import comparison_of
from flows.config import make_config
from flows.config_schema import OTHER_FORMS, config_schema
from tasks.domain.errors import UserError

CONFIGS = Path(__file__).parents[2] / "deployments" / "configs"
FILES = sorted(CONFIGS.glob("*.toml"))
ROWS = ("Overruled", "ProblemCorrection")  # of a corrections file, which docs/audit.md describes
CHECK = jsonschema.Draft7Validator(config_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_committed_config_passes_and_names_the_schema_by_a_path_that_setup_writes(path: Path) -> None:
    text = path.read_text()
    assert not list(CHECK.iter_errors(tomllib.loads(text)))
    named = [line.split()[1] for line in text.splitlines() if line.startswith("#:schema ")]
    assert len(named) == 1 and text.index("#:schema") < text.index("\n[")
    written = (path.parent / named[0]).resolve().relative_to(CONFIGS.parents[1])
    assert f"SCHEMA := {written}\n" in (CONFIGS.parents[1] / "Makefile").read_text()


def test_the_schema_is_one_and_the_resolved_config_passes_it() -> None:
    jsonschema.Draft7Validator.check_schema(config_schema())
    assert not list(CHECK.iter_errors(json.loads(make_config({}).model_dump_json())))


@pytest.mark.parametrize(
    "tree",
    [{"loop": {"draw": 3}}, {"loop": {"draw": "2026-01-01"}}, {"model": {"base": "a/b"}},
     {"data": {"corrections": []}}, {"run": {"preset": "raft"}}],
)  # fmt: skip
def test_what_the_loader_takes_passes(tree: dict[str, Any]) -> None:
    make_config(tree)
    assert not list(CHECK.iter_errors(tree))


def test_a_dotted_path_and_the_name_of_a_file_pass() -> None:
    assert not list(CHECK.iter_errors({"engine": {"kind": "mine.engine:ENGINE"}, "data": {"corrections": "c.jsonl"}}))


@pytest.mark.parametrize(
    "tree",
    [{"loop": {"iterations": -1}}, {"loop": {"iteration": 1}}, {"generate": {"temperature": "warm"}}, {"other": {}},
     {"finetune": {"start": "last"}}, {"engine": {"kind": "unknown"}}, {"materialize": {"cap": 0}}],
)  # fmt: skip
def test_what_the_loader_refuses_by_its_form_does_not_pass(tree: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        make_config(tree)
    assert list(CHECK.iter_errors(tree))


@pytest.mark.parametrize(
    "tree",
    [{"compare": {"seeds": 3}}, {"compare": {"arm": ["rest"]}}, {"compare": {"arms": ["a"]}, "arms": {"a": {"generate": {"wave": [4]}}}},
     {"compare": {"arms": ["a"]}, "arms": {"a": {"method": "rest_em", "spends": "all"}}}],
)  # fmt: skip
def test_what_a_comparison_refuses_by_its_form_does_not_pass(tree: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UserError):
        comparison_of(tree, "test", tmp_path)
    assert list(CHECK.iter_errors(tree))


def test_an_arm_may_be_of_a_method_of_ones_own() -> None:
    own = {"compare": {"arms": ["a"]}, "arms": {"a": {"method": "mine.method:METHOD", "loop": {"iterations": 1}}}}
    assert not list(CHECK.iter_errors(own))


def test_every_setting_says_what_it_is() -> None:
    schema = config_schema()
    bare = [
        f"{name}.{field}" for name, one in schema["$defs"].items() for field, told in one.get("properties", {}).items()
        if name not in ROWS and "description" not in told and "$ref" not in told and "allOf" not in told
    ]  # fmt: skip
    assert not bare
    assert all(field in schema["$defs"][model]["properties"] for model, field in OTHER_FORMS)


def test_the_command_prints_or_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == config_schema()
    assert main(["config", "schema", str(tmp_path / "deep" / "s.json")]) == 0
    assert json.loads((tmp_path / "deep" / "s.json").read_text()) == config_schema()
