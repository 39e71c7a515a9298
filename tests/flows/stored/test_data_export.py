"""Exported data sets: each config opens by its name, the Hub's own classes read the card, and rows and refusals add up."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import DatasetCard

from flows.stored.data_export import ExportedData, export_data
from tasks.domain.errors import UserError
from tasks.domain.run_result import RunResult
from tasks.store.artifacts import Store
from tests.command import restem
from tests.handmade import make_store

CONFIGS = {
    "problems": {"train", "val", "test"}, "iteration-1-kept": {"train"}, "iteration-1-rejected": {"train"},
    "iteration-1-verdicts": {"train", "val", "test"}, "base-verdicts": {"test"},
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, RunResult, ExportedData]:
    folder = tmp_path_factory.mktemp("data")
    config, result = make_store(folder)
    store = Store(config.run.store)
    return store, result, export_data(store, "small", folder / "out", license="mit")


def test_each_config_opens_by_its_name(made: tuple[Store, RunResult, ExportedData], tmp_path: Path) -> None:
    from datasets import get_dataset_config_names, load_dataset

    exported = made[2]
    folder = str(exported.folder)
    assert set(get_dataset_config_names(folder)) == set(CONFIGS)
    for name, splits in CONFIGS.items():
        opened = load_dataset(folder, name, cache_dir=str(tmp_path))
        rows = {one.split: one.rows for one in exported.files if one.config == name}
        assert {split: table.num_rows for split, table in opened.items()} == rows
        assert set(opened) == splits
    assert load_dataset(folder, cache_dir=str(tmp_path))["train"].column_names[:4] == [
        "problem_id",
        "index",
        "prompt",
        "completion",
    ]


def test_every_draw_is_kept_or_refused_with_a_reason(
    made: tuple[Store, RunResult, ExportedData], tmp_path: Path
) -> None:
    from datasets import load_dataset

    _, result, exported = made
    row = result.iterations[0]
    kept, rejected = (
        load_dataset(str(exported.folder), f"iteration-1-{name}", split="train", cache_dir=str(tmp_path))
        for name in ("kept", "rejected")
    )
    assert len(kept) == row.kept_examples and len(kept) + len(rejected) == row.train.samples
    wrong = [one for one in rejected if one["why"] == "not accepted"]
    assert len(wrong) == row.train.samples - row.train.labels["correct"]
    assert all(one["label"] != "correct" for one in wrong)
    assert all(one["prompt"] for one in rejected)
    pairs = {(one["problem_id"], one["index"]) for one in kept} & {
        (one["problem_id"], one["index"]) for one in rejected
    }
    assert not pairs
    verdicts = load_dataset(str(exported.folder), "iteration-1-verdicts", cache_dir=str(tmp_path))
    assert len(verdicts["train"]) == row.train.samples
    assert row.test is not None and len(verdicts["test"]) == row.test.tally.samples


def test_the_hub_reads_licence_configs_and_provenance(made: tuple[Store, RunResult, ExportedData]) -> None:
    store, result, exported = made
    card = DatasetCard.load(exported.folder / "README.md")
    assert card.data.license == "mit" and card.data.task_categories == ["text-generation"]
    named = {one["config_name"]: {split["split"] for split in one["data_files"]} for one in card.data.configs}
    assert named == CONFIGS
    assert [one["config_name"] for one in card.data.configs if one.get("default")] == ["iteration-1-kept"]
    text = str(card)
    assert result.base.policy_digest in text and "graded by `" in text and "reward `math`" in text
    assert str(Path(store.root).parent) not in text
    unknown = export_data(store, "small", exported.folder.with_name("unlicensed"), (1,))
    card = DatasetCard.load(unknown.folder / "README.md")
    assert card.data.license == "unknown" and "before publishing" in str(card)
    assert {one.config for one in unknown.files} == set(CONFIGS) - {"base-verdicts"}


def test_sources_of_the_hub_and_their_licences_are_told() -> None:
    from flows.stored.data_card import source_text

    assert (
        source_text({"kind": "gsm8k", "path": None, "split": "train", "revision": "abc"})
        == "`gsm8k`, from `openai/gsm8k`, split train, revision abc, licence MIT"
    )
    assert (
        source_text({"kind": "table", "path": "/home/somebody/rows.jsonl", "split": "train"})
        == "`table`, from `rows.jsonl`, split train"
    )


def test_wrong_names_are_refused_and_the_command_pushes_to_a_folder(
    made: tuple[Store, RunResult, ExportedData], tmp_path: Path
) -> None:
    store = made[0]
    with pytest.raises(UserError, match="no data of iteration 7"):
        export_data(store, "small", tmp_path / "a", (7,))
    with pytest.raises(UserError, match="is not empty"):
        export_data(store, "small", made[2].folder)
    done = restem(
        "export", "small", str(tmp_path / "out"), "--data", "--push", str(tmp_path / "pushed"), "--store", store.root
    )
    assert done.returncode == 0, done.stderr
    assert "iteration-1-rejected" in done.stdout
    assert sorted(path.name for path in (tmp_path / "pushed").iterdir()) == sorted(
        path.name for path in (tmp_path / "out").iterdir()
    )
