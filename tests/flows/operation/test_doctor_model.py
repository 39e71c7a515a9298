"""`restem doctor CONFIG.toml`: what is wrong with a model or its data, each with a remedy, and nothing is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.config import RunConfig, make_config
from flows.operation.doctor import Finding
from flows.operation.doctor_model import NOTHING, examine_model
from tests.models.architectures import BY_LABEL, with_files_of, write_model
from tests.models.chats import CHATS


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(
        tmp_path_factory.mktemp("doctor") / "base", BY_LABEL["llama"], tokenizer=CHATS["ChatML of a base"].kind
    )


def config(tmp_path: Path, folder: Path, **model: Any) -> RunConfig:
    sources = {}
    for split in ("train", "val", "test"):
        path = tmp_path / f"{split}.jsonl"
        path.write_text(json.dumps({"question": f"What is 1+1 in {split}?", "answer": "It is 2.\n#### 2"}) + "\n")
        sources[split] = {"kind": "gsm8k", "path": str(path)}
    run = {"store": str(tmp_path / "store"), "scratch": str(tmp_path / "scratch"), "name": "doctor"}
    limits = {"generate": {"max_tokens": 16}, "evaluate": {"max_tokens": 16}}
    return make_config(
        {"run": run, "data": sources, "model": {"base": str(folder), "prompt": "tokenizer", **model}, **limits}
    )


def parts(findings: list[Finding]) -> dict[str, Finding]:
    return {one.part: one for one in findings}


def test_a_sound_model_is_ok_and_nothing_is_written(tmp_path: Path, base: Path) -> None:
    found = parts(examine_model(config(tmp_path, base)))
    assert [found["data"].status, found["model"].status] == ["ok", "ok"]
    assert found["prompts"].status == "note" and found["prompts"].todo == NOTHING  # its end of a turn is no EOS
    assert not (tmp_path / "store").exists() and not (tmp_path / "scratch" / "looks").exists()


@pytest.mark.parametrize(
    "changed, model, part, found, todo",
    [
        ({"tokenizer_config.json": {"chat_template": None}}, {}, "prompts", "has no chat template", "take the instruct model"),
        ({"config.json": {"vocab_size": 999}}, {}, "prompts", "999", "correct it or copy the weights again"),
        ({}, {"shots": 9}, "prompts", "worked examples", "lower model.shots"),
        ({}, {"base": "./absent"}, "model", "absent", ""),
    ],
    ids=["no-template", "vocabulary", "shots", "no-folder"],
)  # fmt: skip
def test_each_fault_comes_with_its_remedy(
    tmp_path: Path, base: Path, changed: dict[str, Any], model: dict[str, Any], part: str, found: str, todo: str
) -> None:
    folder = with_files_of(base, tmp_path / "changed", changed)
    one = parts(examine_model(config(tmp_path, folder, **model)))[part]
    assert one.status == "fault" and found in one.found and todo in one.todo and one.todo


def test_data_that_cannot_be_read_is_a_finding_too(tmp_path: Path, base: Path) -> None:
    made = config(tmp_path, base)
    (tmp_path / "train.jsonl").write_text('{"q": "no question"}\n')
    one = parts(examine_model(made))["data"]
    assert (one.status, "map them" in one.todo) == ("fault", True)
