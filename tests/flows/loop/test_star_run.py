"""STaR with the real engine and the real trainer: the built-in base reads hints, and what it learned from them is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.config import make_config
from flows.loop.data import HINTED
from flows.stored.runs import read_result
from tasks.domain.prompts import template_named
from tasks.domain.schema import Example
from tasks.store.artifacts import Store
from tests.command import write_config
from tests.rig import Command, manifests, recipes

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]  # a base, an engine and two trainers
TREE: dict[str, Any] = {
    "run": {"name": "star", "preset": "star"},
    "model": {"base": "builtin:arithmetic_hints", "pretrain_steps": 900},
    "data": {
        "train": {"limit": 60},
        "val": {"split": "val", "limit": 10},
        "test": {"split": "test", "limit": 20},
    },
    "generate": {"max_tokens": 48, "range_size": 30},
    "engine": {"max_model_len": 96},
    "finetune": {"steps": 8, "learning_rate": 5e-4, "batch_size": 16, "max_length": 64},
    "evaluate": {"samples": 2, "k": [1, 2], "max_tokens": 48, "val_samples": 1, "bootstrap": 200},
    "loop": {"iterations": 2, "steps_factor": 1.0, "steps_added": 2},
}


def test_star_learns_from_second_tries_with_a_hint(tmp_path: Path) -> None:
    run = {**TREE["run"], "store": str(tmp_path / "store"), "scratch": str(tmp_path / "scratch")}
    toml = write_config(tmp_path / "c.toml", make_config({**TREE, "run": run}))
    done = Command(tmp_path, "").run("run", str(toml), PREFECT_HOME=str(tmp_path / "prefect"), timeout=1000)
    assert done.returncode == 0, done.stderr
    store = Store(str(tmp_path / "store"))
    result = read_result(store, "star")
    assert result.status == "completed"
    assert len({row.policy_digest for row in result.rows}) == 3, "each round trained"
    template = template_named("arithmetic")
    hinted = [one for one in manifests(store, "generate").values() if one["recipe"].get("hint") == "answer"]
    assert hinted and all(one["rows"] for one in hinted)
    for row in result.iterations:
        prompts = _prompts_of_second_tries(store, row.refs["dataset"].rpartition("/")[2])
        assert len(prompts) >= 0.3 * (60 - row.train.labels["correct"]), "a base that reads hints uses them"
        assert all("(" not in prompt and prompt.endswith(template.forms["only"].closing) for prompt in prompts)
    made = recipes(store, "star")
    steps = [made[f"iteration-{number}/finetune"]["settings"]["steps"] for number in (1, 2)]
    assert steps == [8, 10]


def _prompts_of_second_tries(store: Store, key: str) -> list[str]:
    found = store.lookup("materialize", key)
    assert found is not None
    rows: list[Example] = store.rows(store.ref(found), Example)
    return [row.prompt for row in rows if row.index >= HINTED]
