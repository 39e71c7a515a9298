"""What people bring: every layout either loads rightly, or ends in one sentence that names the place and what to do."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.cli.main import main
from tasks.data.sources import load_problems
from tasks.domain.errors import UserError
from tasks.domain.schema import Problem
from tasks.domain.settings import SourceSettings

ROWS: list[dict[str, Any]] = [{"question": f"{n}+{n}=?", "answer": str(2 * n)} for n in range(1, 5)]
OTHERS = [{"question": "9+9=?", "answer": "18"}]
QUESTIONS = [row["question"] for row in ROWS]
USER, TOOL_CALL = {"role": "user", "content": "1+1=?"}, {"id": "1", "function": {"name": "f", "arguments": "{}"}}


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def load(path: Path, kind: str = "table", **settings: Any) -> list[Problem]:
    return load_problems(SourceSettings.model_validate({"kind": kind, "path": str(path), **settings}), "train")


def asked(messages: Any) -> str:
    return lines([{"question": messages, "answer": "2"}])


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.jsonl", "\n\n" + lines(ROWS).replace("\n", "\r\n\r\n")),
        ("a.jsonl", json.dumps(ROWS)),
        ("a.jsonl", json.dumps(ROWS, indent=1)),
        ("a.json", lines(ROWS)),
        ("a.csv", "\ufeff,question,answer\n" + "".join(f"{n},{r['question']},{r['answer']}\n" for n, r in enumerate(ROWS))),
    ],
    ids=["blank lines", "a list in .jsonl", "an indented list in .jsonl", "lines in .json", "the index of pandas"],
)  # fmt: skip
def test_what_is_clear_is_read(tmp_path: Path, name: str, content: str) -> None:
    assert [one.question for one in load(written(tmp_path / name, content))] == QUESTIONS


def test_a_long_cell_of_a_csv_is_read(tmp_path: Path) -> None:
    (problem,) = load(written(tmp_path / "a.csv", f"question,answer\n{'x' * 200_000},2\n"))
    assert len(problem.question) == 200_000


@pytest.mark.parametrize("make", [
    lambda: pa.table({"s": pa.array([[("q", r["question"]), ("a", r["answer"])] for r in ROWS], pa.map_(pa.string(), pa.string()))}),
    lambda: pa.Table.from_pylist([{"s": {"q": r["question"], "a": int(r["answer"])}} for r in ROWS]),
], ids=["map", "struct"])  # fmt: skip
def test_maps_and_structs_of_parquet_are_entered_by_a_path(tmp_path: Path, make: Callable[[], pa.Table]) -> None:
    pq.write_table(make(), tmp_path / "a.parquet")
    problems = load(tmp_path / "a.parquet", columns={"question": "s.q", "gold": "s.a"})
    assert [(one.question, one.gold) for one in problems] == [(r["question"], r["answer"]) for r in ROWS]


@pytest.mark.parametrize("whole", [True, False], ids=["DatasetDict", "Dataset"])
def test_what_datasets_saves_to_disk_is_read(tmp_path: Path, whole: bool) -> None:
    import datasets

    train, test = datasets.Dataset.from_list(ROWS), datasets.Dataset.from_list(OTHERS)
    (datasets.DatasetDict({"train": train, "test": test}) if whole else train).save_to_disk(tmp_path / "saved")
    assert [one.question for one in load(tmp_path / "saved")] == QUESTIONS
    if whole:
        assert [one.question for one in load(tmp_path / "saved", split="test")] == ["9+9=?"]


@pytest.mark.parametrize(
    "train, test",
    [
        ("train/0.jsonl", "test/0.jsonl"),
        ("sums_train.jsonl", "sums_test.jsonl"),
        ("data/train-0.jsonl", "data/test-0.jsonl"),
    ],
)
def test_a_folder_gives_the_rows_of_the_split_alone(tmp_path: Path, train: str, test: str) -> None:
    """By the name of a file, of its folder, or a word in either: rows of test must not be trained on."""
    written(tmp_path / "sums" / train, lines(ROWS))
    written(tmp_path / "sums" / test, lines(OTHERS))
    written(tmp_path / "sums" / "dataset_infos.json", '{"default": {}}')
    assert [one.question for one in load(tmp_path / "sums")] == QUESTIONS
    assert [one.question for one in load(tmp_path / "sums", split="test")] == ["9+9=?"]
    with pytest.raises(UserError, match=r"holds files of test, train and none of validation; set split to one of them"):
        load(tmp_path / "sums", split="validation")


def test_a_folder_whose_names_tell_no_split_is_read_whole(tmp_path: Path) -> None:
    written(tmp_path / "trainer" / "part-0.jsonl", lines(ROWS))
    assert len(load(tmp_path / "trainer", split="dev")) == len(ROWS)


def test_messages_may_stand_as_json_text(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "Be brief."}, USER]
    plain, text = (load(written(tmp_path / "a.jsonl", asked(one))) for one in (messages, json.dumps(messages)))
    assert plain == text
    for near in ('["a", "b"]', '[{"x": 1}]', "[1, 2", "[]"):
        (problem,) = load(written(tmp_path / "a.jsonl", asked(near)))
        assert (problem.question, problem.chat) == (near, {})


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("a.json", json.dumps({"version": 1, "data": ROWS}, indent=1), r"a.json is one JSON object \(version, data\), expected a list"),
        ("a.jsonl", lines(ROWS).replace("}\n", "},\n"), "line 1 is not JSON"),
        ("a.jsonl", json.dumps(ROWS[0], indent=1), "line 1 is not JSON.*a record of a .jsonl file is one line"),
        ("a.jsonl", f'{{"question": "a", "answer": {"9" * 5000}}}', "line 1 cannot be read .*digit.*; write it as text"),
        ("a.jsonl", '{"question": "a", "answer": ' + "[" * 100_000, "line 1 cannot be read"),
        ("a.jsonl", lines(ROWS).encode("utf-16"), "not UTF-8 text"),
        ("a.jsonl", lines(ROWS).encode("utf-16-le"), "not UTF-8 text.*as in UTF-16"),
        ("a.csv", "question,answer\na,2\n".encode("utf-16-le"), "not UTF-8 text.*as in UTF-16"),
        ("a.csv", "question,answer,answer\na,2,3\n", "names the column 'answer' more than once"),
        ("a.csv", "question;answer\na;2\n", "found the columns question;answer"),
        ("a.csv", "question,answer\na,2,3\n", "line 2 has more cells"),
        ("a.parquet", b"PAR1" + b"x" * 100 + b"\x10\0\0\0PAR1", "not a readable Parquet file"),
        ("a.arrow", b"nothing", "not a readable Arrow file"),
        ("a.csv.zip", b"PK", "no known ending.*or these packed as .gz, .bz2, .xz"),
        ("a.jsonl", "", "0 were read from .*; it is empty"),
        ("a.jsonl", '{"question": "a \\ud800", "answer": "1"}', "line 1 cannot be read .*surrogates"),
        ("a.jsonl", lines([{"question": "a", "answer": {}}]), "1 of 1 problems have no gold answer"),
        ("a.jsonl", lines([{"question": "a", "answer": "1", "level": [1]}]), "line 1: a level is a list"),
        ("a.jsonl", asked(None), "line 1: question is empty"),
        ("a.jsonl", asked([USER, {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}, USER]), "a message of the assistant calls a tool; expected text alone"),
        ("a.jsonl", asked([USER, {"role": "tool", "content": "3"}, USER]), "has the role 'tool', expected one of"),
        ("a.jsonl", asked([{"role": "user", "content": [{"type": "image_url"}]}]), "a list with parts of the type image_url"),
        ("a.jsonl", asked([{"role": "user", "content": None}]), "content of a message is null"),
        ("a.jsonl", lines([{"question": "a", "tests": ["assert f(1) == 2"]}]), "line 1: tests is a list, expected an object"),
        ("a.jsonl", lines([{"question": "a", "tests": "5"}]), "line 1: tests is a number, expected"),
        ("a.jsonl", lines([{"question": "a", "tests": {"inputs": 5, "outputs": 6}}]), "tests is an object with inputs, outputs, expected"),
        ("a.jsonl", lines([{"question": "a", "tests": {"inputs": ["1"], "outputs": []}}]), "found 1 inputs but 0 outputs"),
        ("a.jsonl", lines([{"question": "a", "tests": {"cases": []}}]), "tests is an object with cases"),
    ],
)  # fmt: skip
def test_anything_else_ends_in_a_sentence(tmp_path: Path, name: str, content: str | bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        load(written(tmp_path / name, content))
    assert "\n" not in str(caught.value)


def test_columns_that_a_table_does_not_read_are_refused(tmp_path: Path) -> None:
    """A slip in `questoin` would leave the column `question` in use, and nobody would know."""
    path = written(tmp_path / "a.jsonl", lines(ROWS))
    with pytest.raises(UserError, match=r"columns maps 'questoin', which a table does not read; it reads id, question"):
        load(path, columns={"questoin": "prompt"})


def test_the_id_of_a_hub_data_set_without_its_mark_is_recognised() -> None:
    with pytest.raises(UserError, match="or hf:openai/gsm8k for a data set of the Hub"):
        load(Path("openai/gsm8k"))


@pytest.mark.parametrize(
    "kind", ["apps", "mbpp", "humaneval", "verl", "verifiers", "openrlhf", "numina", "math", "gsm8k"]
)
@pytest.mark.parametrize("value", [5, "x", [1], {"a": 1}, None, [None]], ids=repr)
def test_no_loader_ends_in_a_traceback_whatever_its_columns_hold(tmp_path: Path, kind: str, value: Any) -> None:
    names = ("question", "prompt", "problem", "text", "answer", "solution", "label", "input", "input_output", "solutions", "test_list",
             "test", "entry_point", "reward_model", "verification_info", "info", "extra_info", "level", "id", "task_id")  # fmt: skip
    for name in names:
        row = dict.fromkeys(names, "1") | {
            "test_list": ["assert f(1) == 1"],
            "input_output": "{}",
            "solutions": "[]",
            name: value,
        }
        with suppress(UserError):
            load(written(tmp_path / "a.jsonl", lines([row])), kind)


def test_the_command_ends_with_the_sentence_and_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, rows in (("val", OTHERS), ("test", [{"question": "8+8=?", "answer": "16"}])):
        written(tmp_path / f"{name}.jsonl", lines(rows))
    written(tmp_path / "train.jsonl", lines([{"question": "a", "tests": ["assert f(1) == 2"]}]))
    sets = "".join(f'[data.{name}]\nkind = "table"\npath = "{name}.jsonl"\n' for name in ("train", "val", "test"))
    written(tmp_path / "mine.toml", f'[run]\nname = "mine"\n[model]\nbase = "builtin:arithmetic"\n{sets}')
    assert main(["plan", "mine.toml"]) == 2
    told = capsys.readouterr().err.strip()
    assert "train.jsonl line 1: tests is a list" in told and "Traceback" not in told and "\n" not in told
