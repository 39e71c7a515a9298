"""A whole comparison by the real command: shared draws, kill -9 and resume, one arm alone, the plan, the page and the trace of a cell."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.stored.comparisons import comparison_result, read_record
from flows.stored.runs import read_result
from tasks.store.artifacts import Store
from tests.command import write_config
from tests.rig import Command, record, small_config, snapshot, tiny_base
from tests.server import prefect_server

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1800)]  # the fixture trains five times, a trainer's start each


@dataclass(frozen=True)
class Compared:
    """A comparison of two methods over two seeds, killed in its second cell and resumed."""

    folder: Path
    command: Command
    killed: int
    committed: dict[str, Any]
    after: dict[str, Any]
    output: str

    @property
    def store(self) -> Store:
        return Store(str(self.folder / "store"))

    @property
    def toml(self) -> str:
        return str(self.folder / "c.toml")

    def restem(self, *arguments: str) -> str:
        done = self.command.run(*arguments, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout


def comparison_tree(folder: Path) -> dict[str, Any]:
    """Two methods, two seeds, one round, answered from recorded samples."""
    config = small_config(folder, tiny_base(folder / "base"))
    record(config)
    tree = config.model_dump(mode="json")
    for section, names in {"run": ("name", "preset"), "generate": ("temperature", "top_k", "top_p", "waves")}.items():
        for name in names:
            tree[section].pop(name)
    tree |= {"loop": {}, "materialize": {}}
    tree["finetune"] = {"epochs": 1, "learning_rate": 1e-3, "max_length": 128}
    design = {"name": "small", "arms": ["rest_em", "unfiltered"], "seeds": [1, 2], "rounds": 1, "amount": 8}
    return tree | {"compare": design}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    folder = tmp_path_factory.mktemp("compared")
    toml = str(write_config(folder / "c.toml", comparison_tree(folder)))
    with prefect_server(folder / "prefect") as api_url:
        command = Command(folder, api_url, mark=str(folder))
        killed = command.run("compare", toml, RESTEM_FAILPOINTS="finetune.stored:2=kill", timeout=600)
        committed = snapshot(folder / "store")
        done = command.run("compare", toml, timeout=600)
        assert done.returncode == 0, done.stderr
        yield Compared(folder, command, killed.returncode, committed, snapshot(folder / "store"), done.stdout)


def test_after_kill_9_the_same_command_goes_on_and_rewrites_nothing(compared: Compared) -> None:
    assert compared.killed == -signal.SIGKILL
    told_anew = ("comparisons/", "runs/")  # pages and records, which follow what is stored
    parts = {path: what for path, what in compared.committed.items() if not path.startswith(told_anew)}
    assert parts
    assert {path: compared.after.get(path) for path in parts} == parts
    result = comparison_result(compared.store, read_record(compared.store, "small"))
    assert (result.status, result.done) == ("completed", 4)
    assert "MINUS REST_EM" in compared.output


def test_round_1_is_drawn_once_for_the_methods_of_a_seed_and_again_for_another_seed(compared: Compared) -> None:
    drawn = [manifest.recipe["draw"] for manifest in _manifests(compared.store, "generate") if _is_train(manifest)]
    ranges = 3  # 24 problems in ranges of 8; a first wave of 4 and two more of 2 for problems that lack accepted ones
    assert {draw: drawn.count(draw) for draw in set(drawn)}.keys() == {"seed-1", "seed-2"}
    assert all(ranges <= drawn.count(draw) <= 3 * ranges for draw in set(drawn))
    first, second = (read_result(compared.store, f"small-{arm}-s1").iterations[0] for arm in ("rest_em", "unfiltered"))
    assert first.train.samples >= second.train.samples > 0
    assert second.cached["E-step"]


def test_a_finished_comparison_runs_nothing_and_one_arm_can_be_run_alone(compared: Compared) -> None:
    before = snapshot(compared.folder / "store" / "finetune")
    out = compared.restem("compare", compared.toml, "--only", "unfiltered")
    assert snapshot(compared.folder / "store" / "finetune") == before
    assert "4 of 4 runs have ended" in out


def test_the_plan_of_a_finished_comparison_has_nothing_to_do_and_says_what_could_be_found(compared: Compared) -> None:
    plan = json.loads(compared.restem("plan", compared.toml, "--json"))
    assert {cell["state"] for cell in plan["cells"]} == {"stored"}
    assert plan["amounts"]["samples"] == 0
    assert plan["sensitivity"]["over_seeds"]["units"] == 2
    fresh = json.loads(compared.restem("plan", compared.toml, "--json", "--set", f"run.store={compared.folder}/other"))
    samples = [cell["amounts"]["samples"] for cell in fresh["cells"]]
    assert samples[0] > samples[1] > 0  # the second arm's round 1 and the base's evaluation are the first one's
    assert fresh["sensitivity"]["over_problems"]["units"] == 8


def test_any_cell_is_traced_to_its_command_and_its_artifacts(compared: Compared) -> None:
    trace = json.loads(
        compared.restem("trace", "small", "--cell", "unfiltered/2", "--json", "--store", str(compared.folder / "store"))
    )
    assert trace["commands"][0] == f"restem compare {compared.toml} --only unfiltered"
    assert trace["run"] == "small-unfiltered-s2"
    for named in trace["artifacts"].values():
        path, digest = named.split()
        manifest = json.loads((compared.folder / "store" / path / "manifest.json").read_text())
        assert manifest["digest"] == digest
    assert trace["model"]["digest"] == read_result(compared.store, "small-unfiltered-s2").iterations[0].policy_digest


def test_the_page_and_the_markdown_show_the_same_tables(compared: Compared) -> None:
    page = (compared.folder / "store" / "comparisons" / "small" / "report.html").read_text()
    text = (compared.folder / "store" / "comparisons" / "small" / "report.md").read_text()
    for title in ("Arms", "Spent", "Runs", "Diversity", "Train against test", "Newly solved, lost, and beyond format"):
        assert f"<h2>{title}</h2>" in page
        assert f"## {title}" in text
    assert "<svg" in page
    assert "<script" not in page


def _manifests(store: Store, stage: str) -> list[Any]:
    return [store.lookup(stage, key) for key in store.listdir(stage)]


def _is_train(manifest: Any) -> bool:
    return bool(manifest.recipe["sampling"]["temperature"] == 0.7)
