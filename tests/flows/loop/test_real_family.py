"""Methods whose rows are not the policy's own, with the real sampler and the real trainer: a teacher's, and people's.

The models are random and answer nothing, so every sample is accepted: what is looked at is whose rows train whom, and as which tokens.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.stored.runs import read_result
from tasks.data.sources import load_problems
from tasks.domain.judged import HUMAN
from tasks.domain.run_result import RunResult
from tasks.domain.schema import Example, Sample
from tasks.domain.settings import SourceSettings
from tasks.engines.training.sft_rows import NO_IDS
from tasks.store.artifacts import Manifest, Store, digest_of_folder, key_of
from tests.command import write_config
from tests.rig import Command, recipes, tiny_base
from tests.server import prefect_server
from tests.tiny_llama import write_tiny_llama

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]
TRAIN = SourceSettings(kind="arithmetic_people", split="train", limit=6)


@dataclass(frozen=True)
class Ran:
    """Two finished runs in one store: `distill` and `people`."""

    folder: Path

    @property
    def store(self) -> Store:
        return Store(str(self.folder / "store"))

    def result(self, run: str) -> RunResult:
        return read_result(self.store, run)

    def manifest(self, run: str, slot: str) -> Manifest:
        recipe = recipes(self.store, run)[slot]
        found = self.store.lookup(recipe["stage"], key_of(recipe))
        assert found is not None
        return found

    def rows(self, run: str, slot: str, kind: type[Any]) -> list[Any]:
        return list(self.store.rows(self.store.ref(self.manifest(run, slot)), kind))


def config_of(folder: Path, name: str, **sections: dict[str, Any]) -> Path:
    few = {"kind": "arithmetic", "limit": 3}
    tree: dict[str, dict[str, Any]] = {
        "run": {"name": name, "store": str(folder / "store"), "scratch": str(folder / "scratch")},
        "model": {"base": str(folder / "student")},
        "data": {"train": TRAIN.model_dump(include={"kind", "split", "limit"}), "val": {**few, "split": "val"}, "test": {**few, "split": "test"}},
        "generate": {"waves": [2], "max_tokens": 24},
        "engine": {"kv_cache_gib": 0.25, "max_model_len": 128},
        "verify": {"workers": 1},
        "materialize": {"cap": 2, "accept": "any", "accept_truncated": True, "dedupe": "none"},
        "finetune": {"epochs": 1, "learning_rate": 1e-3, "max_length": 128},
        "evaluate": {"samples": 2, "k": [1, 2], "max_tokens": 24, "val_samples": 1, "bootstrap": 100},
        "loop": {"iterations": 1},
    }  # fmt: skip
    merged = {section: {**tree.get(section, {}), **sections.get(section, {})} for section in {**tree, **sections}}
    return write_config(folder / f"{name}.toml", merged)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The teacher has other weights and another tokenizer than the student; its characters are among the student's."""
    folder = tmp_path_factory.mktemp("family")
    write_tiny_llama(folder / "student")
    tiny_base(folder / "teacher")
    run = {"name": "distill", "store": str(folder / "store"), "scratch": str(folder / "scratch"), "preset": "distill"}
    configs = [
        config_of(folder, "distill", run=run, teacher={"policy": str(folder / "teacher")}),
        config_of(folder, "people", materialize={"cap": 2, "accept": "any", "accept_truncated": True, "dedupe": "none", "human": "first"}),
    ]  # fmt: skip
    with prefect_server(folder / "prefect") as api_url:
        for config in configs:
            done = Command(folder, api_url, mark=str(folder)).run("run", str(config), timeout=500)
            assert done.returncode == 0, done.stderr[-3000:]
    return Ran(folder)


def test_the_teacher_is_sampled_and_the_student_is_trained_from_its_base_and_evaluated(ran: Ran) -> None:
    result, base = ran.result("distill"), digest_of_folder(ran.folder / "student")
    drawn = [
        one for slot, one in recipes(ran.store, "distill").items() if "/train/" in slot and slot.endswith("generate")
    ]
    teachers = {one["policy"] for one in drawn}
    assert teachers == {digest_of_folder(ran.folder / "teacher")} != {base}
    trained = ran.manifest("distill", "iteration-1/finetune")
    assert trained.recipe["start"] == result.base.policy_digest == base
    assert result.iterations[0].policy_digest == trained.meta["epochs"][0]["digest"] not in {base, *teachers}
    assert result.iterations[0].test is not None
    assert result.iterations[0].test.policy_digest == result.iterations[0].policy_digest
    assert math.isfinite(trained.meta["epochs"][0]["train_loss"])


def test_a_teachers_rows_are_its_texts_and_are_trained_on_as_the_students_own_tokens(ran: Ran) -> None:
    """The two tokenizers number the same characters differently: the ids that the teacher drew would be another text."""
    samples = [row for slot in recipes(ran.store, "distill") if slot.startswith("iteration-1/train/") and slot.endswith("generate")
               for row in ran.rows("distill", slot, Sample)]  # fmt: skip
    rows: list[Example] = ran.rows("distill", "iteration-1/materialize", Example)
    texts = {(one.problem_id, one.index): one.text.rstrip() for one in samples}
    kept = {(one.problem_id, one.index): one.completion for one in rows}
    assert kept == texts and len(kept) == 2 * len({one.problem_id for one in samples})
    meta = ran.manifest("distill", "iteration-1/finetune").meta
    assert sum(meta["encoded"].values()) + len(meta["held_back"]) == len(rows), json.dumps(meta["encoded"])


def test_rows_by_people_stand_before_the_policys_own_in_one_training(ran: Ran) -> None:
    problems = {one.id: one.meta["solution"] for one in load_problems(TRAIN, "train")}
    rows: list[Example] = ran.rows("people", "iteration-1/materialize", Example)
    first = {row.problem_id: row for row in reversed(rows)}
    assert {name: row.completion for name, row in first.items()} == problems
    assert all(row.index == HUMAN for row in first.values())
    assert len(rows) == ran.result("people").iterations[0].kept_examples == 3 * len(problems)
    trained = ran.manifest("people", "iteration-1/finetune")
    assert trained.rows == len(rows) and not trained.meta["held_back"]
    assert trained.meta["encoded"][NO_IDS] == len(problems), "only solutions by people have no drawn tokens"


def test_both_runs_share_the_bases_evaluation(ran: Ran) -> None:
    assert ran.result("people").base.test == ran.result("distill").base.test
    assert ran.result("people").base.cached == {"evaluate": True}
