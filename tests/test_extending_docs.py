"""The worked examples of docs/extending.md, added from outside of the tree as they stand there."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from flows.config import RunConfig, make_config
from tasks.data.problems import graded_sets, read_sets, store_sets
from tasks.data.sources import load_problems
from tasks.domain.column import columns_named, with_columns
from tasks.domain.errors import UserError
from tasks.domain.extensions import COLUMNS, ENGINES, LOADERS
from tasks.domain.fingerprint import digest_of
from tasks.domain.rewards import reward_for
from tasks.domain.rewards.grader import grader_for
from tasks.domain.schema import Example, Policy, Problem, Sampling, schema_of
from tasks.domain.settings import EngineSettings, SourceSettings, VerifySettings
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost
from tasks.report.page import render_html
from tasks.store.artifacts import Store
from tasks.store.workspace import Workspace
from tests.command import ROOT, run_command
from tests.made_up_run import made_up_run
from tests.outside import Outside, every_registry

DOC = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
MODULES = dict(re.findall(r"```python\n# (mine/\w+)\.py\n(.*?)```", DOC, re.DOTALL))
DECLARED = tomllib.loads("".join(re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)))["project"]["entry-points"]
QUIZ = [{"ask": f"What is {n}?", "reply": n, "difficulty": "Level 2"} for n in range(8)]
EXAMPLES = [Example(str(n), 0, "?", "one two " * n, 1.0, 1.0) for n in range(3)]


@pytest.fixture
def mine(outside: Outside) -> Outside:
    """The package of the page, installed."""
    outside.module("mine/__init__", "")
    for name, source in MODULES.items():
        outside.module(name, source)
    for group, points in DECLARED.items():
        outside.declare(group, **points)
    return outside


@pytest.fixture
def quiz(tmp_path: Path) -> str:
    path = tmp_path / "quiz.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in QUIZ))
    return str(path)


def config_of(quiz: str) -> RunConfig:
    """A run that all of the package decides something of."""
    sets = {
        name: {"kind": "quiz", "path": quiz, "offset": at, "limit": 2}
        for name, at in (("train", 0), ("val", 2), ("test", 4))
    }
    tree = {
        "run": {"preset": "warm"}, "data": sets, "engine": {"kind": "constant"}, "verify": {"reward": "last_line", "workers": 1},
        "materialize": {"columns": ["words", "characters"]},
    }  # fmt: skip
    return make_config(tree)


def test_the_page_has_one_example_of_each_kind() -> None:
    assert len(MODULES) == len(DECLARED) == 7
    assert {
        point.partition(":")[0].replace(".", "/") for points in DECLARED.values() for point in points.values()
    } == set(MODULES)


def test_a_method_gives_its_settings(mine: Outside) -> None:
    config = make_config({"run": {"preset": "warm"}})
    assert (config.generate.temperature, config.loop.iterations, config.materialize.cap) == (1.0, 2, 10)
    assert make_config({"run": {"preset": "mine.method:METHOD"}}).generate == config.generate


def test_the_page_has_every_kind_that_can_be_added() -> None:
    assert {one.group for one in every_registry()} == set(DECLARED)


@pytest.mark.parametrize("name", ["last_line", "mine.reward:last_line"])
def test_a_reward_grades(mine: Outside, name: str) -> None:
    grader = grader_for(VerifySettings(reward=name, workers=1))
    problem = Problem("1", "test", "train", "math", "?", gold="42")
    assert [grader.grade(problem, text).label for text in ("so\n42", "42\nso")] == ["correct", "wrong"]


@pytest.mark.parametrize("kind", ["quiz", "mine.loader:LOADER"])
def test_a_loader_reads(mine: Outside, quiz: str, kind: str) -> None:
    problems = load_problems(SourceSettings(kind=kind, path=quiz, limit=3), "train")
    assert [(one.question, one.gold, one.level, one.source) for one in problems[:2]] == [
        ("What is 0?", "0", "2", "quiz"),
        ("What is 1?", "1", "2", "quiz"),
    ]


@pytest.mark.parametrize("name", ["words", "mine.column:words"])
def test_a_column_stands_behind_those_of_every_row(mine: Outside, name: str) -> None:
    table = with_columns(EXAMPLES, columns_named([name, "characters"]))
    assert table.column_names == [*schema_of(Example).names, "words", "characters"]
    assert table["words"].to_pylist() == [0, 2, 4]


def test_a_column_may_not_hide_one_that_every_row_has(mine: Outside) -> None:
    mine.module("mine/column", MODULES["mine/column"].replace('@column("words"', '@column("weight"'))
    with pytest.raises(UserError, match="column 'weight' is one that every row has"):
        columns_named(["mine.column:words"])


@pytest.mark.parametrize("kind", ["constant", "mine.engine:ConstantEngine"])
def test_an_engine_samples_and_no_files_are_fetched_for_it(mine: Outside, tmp_path: Path, kind: str) -> None:
    def localize(policy: Policy) -> Path:
        raise AssertionError("it needs no files")

    host = EngineHost(EngineSettings(kind=kind), localize, tmp_path)
    with host.serving(Policy("0" * 16, "nowhere")) as session:
        ((_, completions),) = session.sample([DrawRequest("1", "?", (0, 1))], Sampling())
    assert [one.text for one in completions] == ["#### 42", "#### 42"]


def test_a_figure_stands_on_the_page(mine: Outside) -> None:
    assert "Examples that each iteration trained on." in render_html(made_up_run())


def test_a_figure_that_fails_costs_no_report(mine: Outside, caplog: pytest.LogCaptureFixture) -> None:
    mine.module("mine/figure", MODULES["mine/figure"].replace("    counts =", "    counts = 1 / 0  #"))
    assert "Examples that each" not in render_html(
        dataclasses.replace(made_up_run())
    )  # figures are drawn once a result
    assert "figure kept of another package failed and is left out: ZeroDivisionError" in caplog.text


def test_a_command_stands_in_the_help_and_runs(
    mine: Outside, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "count     how many runs a store holds" in capsys.readouterr().out
    (tmp_path / "store" / "runs" / "one").mkdir(parents=True)
    answer = run_command(["count", "--store", "store"], tmp_path, {"PYTHONPATH": f"{ROOT}:{mine.folder}"})
    assert (answer.code, answer.out) == (0, "1\n"), answer.error


def test_the_form_offers_what_is_installed(mine: Outside) -> None:
    sections = RunConfig.model_json_schema()["$defs"]
    assert "warm" in sections["RunSettings"]["properties"]["preset"]["enum"]
    assert "quiz" in sections["SourceSettings"]["properties"]["kind"]["enum"]
    assert "constant" in sections["EngineSettings"]["properties"]["kind"]["enum"]


# ---- keys


def keys(quiz: str, folder: Path) -> dict[str, str]:
    """What names the results of each stage, as far as settings and code decide it."""
    config = config_of(quiz)
    workspace = Workspace(str(folder / "store"), str(folder / "scratch"), "run")
    sets = store_sets(workspace, graded_sets(read_sets(config.data), config.data, config.verify))
    return {
        "problems": sets.train.ref.key,
        "samples": digest_of([sets.train.ref.digest, config.engine.content(), config.generate.content()]),
        "verdicts": digest_of([config.verify.content(), reward_for(config.verify).version]),
        "data set": digest_of(config.materialize.content()),
        "weights": digest_of(config.finetune.content()),
        "scores": digest_of(config.evaluate.content()),
    }


DECIDES = {
    "mine/loader": {"problems"},
    "mine/engine": {"samples"},
    "mine/reward": {"verdicts"},
    "mine/column": {"data set"},
    "mine/method": set(),
    "mine/figure": set(),
    "mine/command": set(),
}


@pytest.mark.parametrize("module", DECIDES)
def test_an_edit_changes_the_key_of_what_it_decides_and_nothing_else(
    mine: Outside, quiz: str, tmp_path: Path, module: str
) -> None:
    before = keys(quiz, tmp_path)
    mine.module(module, MODULES[module] + "\n# edited\n")
    after = keys(quiz, tmp_path)
    assert {name for name in before if before[name] != after[name]} == DECIDES[module]


def test_a_method_decides_by_its_settings(mine: Outside, quiz: str, tmp_path: Path) -> None:
    before = keys(quiz, tmp_path)
    mine.module("mine/method", MODULES["mine/method"].replace('"temperature": 1.0', '"temperature": 1.1'))
    after = keys(quiz, tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"samples"}


@pytest.mark.parametrize(
    "content",
    [
        lambda: EngineSettings().content(),
        lambda: make_config({}).materialize.content(),
        lambda: VerifySettings().content(),
    ],
    ids=["engine", "materialize", "verify"],
)
def test_what_is_built_in_brings_no_version_into_keys(content: Callable[[], dict[str, Any]]) -> None:
    assert not [name for name in content() if name.endswith(("version", "versions")) or name == "columns"]
    assert all(registry.version(name) is None for registry in (COLUMNS, ENGINES, LOADERS) for name in registry.built_in)


def test_the_problems_of_a_loader_of_ours_keep_their_keys(tmp_path: Path) -> None:
    config = make_config({"data": {name: {"split": name, "limit": 2} for name in ("train", "val", "test")}})
    workspace = Workspace(str(tmp_path / "store"), str(tmp_path / "scratch"), "run")
    sets = store_sets(workspace, graded_sets(read_sets(config.data), config.data, config.verify))
    assert set(Store(workspace.store_url).manifest_of(sets.train.ref).recipe) == {
        "stage",
        "version",
        "split",
        "revision",
    }
