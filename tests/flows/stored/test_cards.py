"""Cards of exported policies: the Hub's own classes read them, and they tell only what may be published."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from flows.stored.cards import data_sets, is_hub_id, license_of, model_card
from flows.stored.trace import trace_model
from tasks.domain.run_result import RunResult
from tasks.store.artifacts import Store
from tests.handmade import make_store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, RunResult, Path]:
    folder = tmp_path_factory.mktemp("cards")
    config, result = make_store(folder)
    return Store(config.run.store), result, folder


def card(made: tuple[Store, RunResult, Path], license: str | None = None, **data: object) -> ModelCard:
    store, result, _ = made
    for section, values in data.items():
        result = RunResult.from_json(_changed(result, section, values))
    return ModelCard(model_card(result, trace_model(store, "small", 1), license))


def _changed(result: RunResult, section: str, values: object) -> bytes:
    import json

    plain = result.to_json()
    plain["config"] = {**plain["config"], section: {**plain["config"][section], **values}}  # type: ignore[dict-item]
    return json.dumps(plain).encode()


def test_the_hub_reads_scores_task_and_library(made: tuple[Store, RunResult, Path]) -> None:
    data = card(made, "apache-2.0").data
    assert (data.library_name, data.pipeline_tag, data.license) == ("transformers", "text-generation", "apache-2.0")
    test = made[1].iterations[0].test
    assert test is not None and test.greedy is not None and test.sampled is not None
    values = {one.metric_name.split(" [")[0]: one.metric_value for one in data.eval_results or []}
    assert values["greedy pass@1"] == pytest.approx(test.greedy.value)
    assert values["sampled pass@1"] == pytest.approx(test.sampled.value, abs=1e-6)
    assert {one.dataset_type for one in data.eval_results or []} == {"arithmetic"}


def test_base_and_data_sets_of_the_hub_are_named_and_local_ones_are_not(made: tuple[Store, RunResult, Path]) -> None:
    hub = card(
        made, model={"base": "someone/small-model"}, data={"train": {"kind": "gsm8k", "path": None, "split": "train"}}
    ).data
    assert (hub.base_model, hub.datasets) == ("someone/small-model", ["openai/gsm8k"])
    local = card(made)
    assert local.data.base_model is None and local.data.datasets is None
    assert str(made[2]) not in str(local)


def test_the_licence_of_the_base_is_carried_over_or_its_lack_is_told(
    made: tuple[Store, RunResult, Path], tmp_path: Path
) -> None:
    assert license_of(str(tmp_path)) is None
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# A base\n")
    assert license_of(str(tmp_path)) == "mit"
    (tmp_path / "README.md").write_text("no head")
    assert license_of(str(tmp_path)) is None
    assert "licence is not known" in str(card(made)) and "licence is not known" not in str(card(made, "mit"))


def test_the_recipe_stands_in_the_card(made: tuple[Store, RunResult, Path]) -> None:
    text = str(card(made))
    assert '"cap": 3' in text and '"learning_rate": 0.001' in text and "Reward `math`" in text


@pytest.mark.parametrize(
    ("name", "hub"), [("a/b", True), ("./a/b", False), ("/a/b", False), ("builtin:tiny", False), ("s3://a/b", False), ("a/b/c", False)]
)  # fmt: skip
def test_what_counts_as_a_name_of_the_hub(name: str, hub: bool) -> None:
    assert is_hub_id(name) == hub


def test_data_sets_are_named_once(made: tuple[Store, RunResult, Path]) -> None:
    source = {"kind": "gsm8k", "path": None}
    assert data_sets({"data": {"train": source, "val": source, "test": {"kind": "table", "path": "rows.jsonl"}}}) == [
        "openai/gsm8k"
    ]
