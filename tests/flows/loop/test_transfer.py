"""Transfer sets: trained on one source, tested on others, and nothing else of the run changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.config import RunConfig, make_config
from flows.planning.plan import plan_of
from flows.planning.trial import trial_of
from flows.run.preflight import preflight
from tasks.data.sources import load_problems
from tasks.domain.chat_template import template_of
from tasks.domain.comparison import compare
from tasks.domain.errors import UserError
from tasks.domain.run_result import RunResult
from tasks.domain.schema import Sample, to_table
from tasks.domain.settings import DataSettings, SourceSettings
from tasks.report.analyses import run_analyses
from tasks.report.page import render_html
from tasks.store.artifacts import Store
from tests.flows.loop.family import method_config
from tests.handmade import run_directly, unlooked
from tests.rig import recipes, record, recorded_samples

FAR = [{"question": f"{1000 + one}+{2000 + one}=?", "answer": str(3000 + 2 * one)} for one in range(5)]
NEAR = {"kind": "arithmetic", "split": "test", "offset": 50, "limit": 4}


@pytest.fixture
def far(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "far.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in FAR))
    return {"kind": "table", "path": str(path)}


def transferring(folder: Path, **transfer: dict[str, Any]) -> RunConfig:
    data = {"train": {"split": "train", "limit": 12}, "transfer": transfer}
    return method_config(folder / "run", "rest_em", data=data, loop={"iterations": 2})


def run_recorded(config: RunConfig) -> RunResult:
    record_all(config)
    return run_directly(config)


def record_all(config: RunConfig) -> None:
    """Write samples of the transfer sets beside those of the others; a run reads what is recorded once."""
    record(config)
    stop = template_of(config.model).stop
    rows = [
        row
        for source in config.data.transfer.values()
        for problem in load_problems(source, "test")
        for sampling in (config.evaluate.sampling(stop), config.evaluate.greedy_sampling(stop))
        for row in recorded_samples(config, problem, sampling, config.evaluate.samples, 0.5, 3)
    ]
    if rows:
        pq.write_table(to_table(rows, Sample), Path(str(config.engine.replay_path)) / "transfer.parquet")


def test_base_and_every_iteration_are_evaluated_on_every_set(tmp_path: Path, far: dict[str, Any]) -> None:
    result = run_recorded(transferring(tmp_path, far=far, near=NEAR))
    for row in result.rows:
        assert {name: score.problems for name, score in row.transfer.items()} == {"far": 5, "near": 4}
        assert all(score.policy_digest == row.policy_digest for score in row.transfer.values())
        assert "transfer" in row.seconds
        assert row.test is not None
        assert row.tokens == row.train.tokens + row.test.tokens + sum(one.tokens for one in row.transfer.values())
    assert RunResult.from_json(result.to_json()) == result


def test_a_plan_counts_the_sets_and_finds_them_when_they_are_stored(tmp_path: Path, far: dict[str, Any]) -> None:
    config = transferring(tmp_path, far=far, near=NEAR)
    record(config)
    before = plan_of(unlooked(config))
    asked = {step.iteration: step.samples for step in before.steps if step.phase == "transfer"}
    a_problem = config.evaluate.samples + 1
    assert asked == dict.fromkeys((0, 1, 2), 9 * a_problem)
    without = plan_of(unlooked(config.model_copy(update={"data": config.data.model_copy(update={"transfer": {}})})))
    assert before.amounts.samples == without.amounts.samples + 3 * 9 * a_problem
    run_recorded(config)
    after = plan_of(unlooked(config))
    assert after.all_stored and after.amounts.samples == 0


def test_nothing_else_of_the_run_hangs_on_them(tmp_path: Path, far: dict[str, Any]) -> None:
    alone = transferring(tmp_path)
    record_all(transferring(tmp_path, far=far))
    plain = run_directly(alone)
    before = recipes(Store(alone.run.store))
    result = run_directly(transferring(tmp_path, far=far))
    after = recipes(Store(alone.run.store))
    assert {slot: after[slot] for slot in before} == before
    assert all("transfer/set-far" in slot for slot in after.keys() - before.keys())
    assert [row.policy_digest for row in result.rows] == [row.policy_digest for row in plain.rows]
    for row, was in zip(result.rows, plain.rows, strict=True):
        assert {name for name in was.cached if not row.cached[name]} == set()
    assert result.base.cached["transfer"] is False
    assert "transfer" not in DataSettings().content()


def test_the_report_compares_with_the_base_on_each_set(tmp_path: Path, far: dict[str, Any]) -> None:
    result = run_recorded(transferring(tmp_path, far=far, near=NEAR))
    [shown] = [one for one in run_analyses(result) if one.title == "Transfer"]
    assert [row[:3] for row in shown.rows] == [
        (name, str(count), policy)
        for name, count in (("far", 5), ("near", 4))
        for policy in ("base", "iteration 1", "iteration 2")
    ]
    differences = compare(result.iterations[1].transfer["far"], result.base.transfer["far"], 2)
    greedy = next(one for one in differences if one.metric == "greedy")
    assert shown.rows[2][5].startswith(f"{100 * greedy.interval.value:+.1f} ")
    assert "<h2>Transfer</h2>" in render_html(result)


@pytest.mark.parametrize("path", ["/no/such/file.jsonl", "empty.jsonl"])
def test_a_set_that_cannot_be_read_is_refused_before_anything_starts(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    config = transferring(tmp_path, gone={"kind": "table", "path": str(tmp_path / path)})
    record(config)
    with pytest.raises(UserError, match=r"such|empty"):
        preflight(config, looking=True)


def test_a_set_that_holds_a_train_problem_is_refused_by_its_name(tmp_path: Path) -> None:
    config = transferring(tmp_path, mine={"kind": "arithmetic", "split": "train", "limit": 3})
    record(config)
    with pytest.raises(UserError, match="train and transfer mine share a question"):
        preflight(config, looking=True)


def test_a_set_that_runs_tests_needs_a_reward_that_does(tmp_path: Path) -> None:
    config = transferring(tmp_path, programs={"kind": "humaneval", "path": "x.jsonl"})
    with pytest.raises(UserError, match=r"data\.transfer\.programs\.kind 'humaneval' needs tests to be run"):
        preflight(config, looking=True)


def test_a_set_takes_the_test_split_and_a_trial_a_few_of_its_problems(tmp_path: Path) -> None:
    config = make_config(
        {"data": {"transfer": {"gsm": {"kind": "gsm8k"}, "few": {"kind": "gsm8k", "limit": 7, "split": "train"}}}}
    )
    assert config.data.transfer["gsm"] == SourceSettings(kind="gsm8k", split="test")
    assert config.data.transfer["few"].split == "train"
    assert {name: one.limit for name, one in trial_of(config).data.transfer.items()} == {"gsm": 20, "few": 7}


@pytest.mark.parametrize(
    ("transfer", "sentence"),
    [
        ({"gsm": {"limits": 3}}, r"unknown key 'data\.transfer\.gsm\.limits'; known here: columns, "),
        ({"a b": {}}, r"data\.transfer\.a b"),
        ({"../x": {}}, r"data\.transfer"),
        ([], r"data\.transfer"),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(transfer: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make_config({"data": {"transfer": transfer}})
