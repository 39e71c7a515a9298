"""Problem sources: what is read, what it is called, and one sentence for every mistake."""

import gzip
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.data.loaders.mbpp import read as mbpp
from tasks.data.sources import check_disjoint, data_revision, load_problems
from tasks.domain.drafts import Record, level_text
from tasks.domain.errors import UserError
from tasks.domain.rewards.extraction import boxes
from tasks.domain.schema import Problem
from tasks.domain.settings import SourceSettings

Rows = list[dict[str, Any]]
WriteRows = Callable[..., str]
GSM8K: Rows = [
    {"question": "One?", "answer": "1 = <<1=1>>1\n#### 1"},
    {"question": "Two?", "answer": "1+1 = <<1+1=2>>2\n2-0 = <<2-0=2>>2\n#### 2"},
    {"question": "Three?", "answer": "<<1+1=2>>2 <<2+1=3>>3 <<3*1=3>>3\n#### 1,003"},
]


@pytest.fixture
def write(tmp_path: Path) -> WriteRows:
    """Write rows as JSON lines; returns the path."""

    def made(rows: Rows, name: str = "rows.jsonl") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return str(path)

    return made


def load(kind: str, path: str | None = None, **settings: Any) -> list[Problem]:
    return load_problems(SourceSettings.model_validate({"kind": kind, "path": path, **settings}), "train")


def table(path: str, **settings: Any) -> list[Problem]:
    return load("table", path, **settings)


# ---- what is read


def test_gsm8k_gold_is_what_follows_the_mark_and_the_level_counts_calculations(write: WriteRows) -> None:
    problems = load("gsm8k", write(GSM8K))
    assert [p.gold for p in problems] == ["1", "2", "1,003"]
    assert [p.level for p in problems] == ["1", "2", "3"]
    assert "<<" not in problems[1].meta["solution"]


def test_math_gold_is_the_answer_column_or_the_last_box(write: WriteRows) -> None:
    rows = [
        {
            "problem": "A",
            "solution": "first \\boxed{1}, then $\\boxed{\\frac{1}{2}}$.",
            "level": "Level 3",
            "type": "Algebra",
        },
        {"problem": "B", "answer": "7", "difficulty": 5.0, "solution": "\\boxed{8}"},
    ]
    first, second = load("math", write(rows))
    assert (first.gold, first.level, first.meta["type"]) == ("\\frac{1}{2}", "3", "Algebra")
    assert (second.gold, second.level) == ("7", "5")


@pytest.mark.parametrize(
    "text, held",
    [
        ("\\boxed{a{b}c} end", "a{b}c"),
        ("\\boxed{1} \\boxed{2", "1"),
        ("\\fbox 3", None),
        ("", None),
        ("\\boxed {4}", "4"),
    ],
)
def test_the_last_balanced_box_wins(text: str, held: str | None) -> None:
    assert boxes(text) == held


@pytest.mark.parametrize(
    "value, level", [("Level 3", "3"), (3, "3"), (3.0, "3"), ("introductory", "introductory"), (None, None)]
)
def test_levels_have_one_spelling(value: object, level: str | None) -> None:
    assert level_text(value) == level


def test_humaneval_tests_call_the_check(write: WriteRows) -> None:
    row = {
        "task_id": "HumanEval/7",
        "prompt": "def f():\n",
        "entry_point": "f",
        "test": "def check(c):\n    assert c() == 1",
    }
    (problem,) = load("humaneval", write([row]))
    tests = json.loads(problem.tests or "")
    assert problem.id == "humaneval/7"
    assert (tests["prompt"], tests["entry_point"]) == ("def f():\n", "f")
    assert tests["test"].rstrip().endswith("check(f)")


def test_mbpp_asserts_are_tests_and_part_of_the_question() -> None:
    row = {"text": "Sort.", "task_id": 3, "test_setup_code": "import math", "test_list": ["assert set(f ([1])) == {1}"]}
    draft = mbpp(Record(row, "here"))
    tests = json.loads(draft.tests or "")
    assert tests == {"prompt": "", "test": "import math\nassert set(f ([1])) == {1}", "entry_point": "f"}
    assert "assert set(f ([1])) == {1}" in draft.question


def test_apps_reads_its_json_text_and_plain_objects_alike(write: WriteRows) -> None:
    cases = {"inputs": ["1\n"], "outputs": ["2\n"]}
    rows = [
        {
            "problem_id": 1,
            "question": "Q1",
            "input_output": json.dumps(cases),
            "solutions": '["print(2)"]',
            "difficulty": "interview",
        },
        {
            "problem_id": 2,
            "question": "Q2",
            "input_output": {**cases, "fn_name": "f"},
            "solutions": [],
            "difficulty": "interview",
        },
    ]
    first, second = load("apps", write(rows))
    assert json.loads(first.tests or "") == cases
    assert json.loads(second.tests or "")["fn_name"] == "f"
    assert first.meta["solution"] == "print(2)"


def test_arithmetic_needs_no_file_and_is_the_same_every_time() -> None:
    problems = load("arithmetic", limit=50)
    assert problems == load("arithmetic", limit=50)
    assert problems[10:20] == load("arithmetic", limit=10, offset=10)
    assert {p.level for p in load("arithmetic", limit=50, levels=["2"])} == {"2"}


def test_a_table_maps_columns(write: WriteRows) -> None:
    path = write([{"prompt": "Q", "final": 12, "no": "x7", "hardness": 2}])
    (problem,) = table(path, columns={"question": "prompt", "gold": "final", "id": "no", "level": "hardness"})
    assert (problem.id, problem.question, problem.gold, problem.level, problem.kind) == (
        "table/x7",
        "Q",
        "12",
        "2",
        "math",
    )


def test_a_table_with_tests_holds_code_problems(write: WriteRows) -> None:
    (problem,) = table(write([{"question": "Q", "tests": {"inputs": ["1"], "outputs": ["1"]}}]))
    assert problem.kind == "code"
    assert json.loads(problem.tests or "")["inputs"] == ["1"]


def test_json_csv_parquet_and_gzip_hold_the_same_problems(tmp_path: Path, write: WriteRows) -> None:
    rows = [{"question": "Ä, b?", "gold": "1"}, {"question": "Two\nlines", "gold": "2"}]
    (tmp_path / "list.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "rows.csv").write_text('question,gold\n"Ä, b?",1\n"Two\nlines",2\n', encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    expected = table(write(rows, "plain.jsonl"))
    for name in ("list.json", "rows.csv", "rows.parquet", "rows.jsonl.gz"):
        assert table(str(tmp_path / name)) == expected


def test_urls_are_read_through_fsspec(write: WriteRows) -> None:
    url = f"memory://{uuid.uuid4()}/rows.jsonl"
    with fsspec.open(url, "w") as stream:
        stream.write(json.dumps(GSM8K[0]) + "\n")
    assert load("gsm8k", url) == load("gsm8k", "file://" + write(GSM8K[:1]))


def test_a_relative_path_that_is_not_there_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is relative to the folder in which the command runs, not to that of the config."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"mine.jsonl does not exist in {tmp_path}, where the command runs; expected"):
        table("mine.jsonl")
    with pytest.raises(UserError, match="does not exist; expected"):
        table(str(tmp_path / "mine.jsonl"))


def test_of_a_folder_the_files_of_the_split_are_read(tmp_path: Path, write: WriteRows) -> None:
    write(GSM8K[:1], "folder/train.jsonl")
    write(GSM8K[1:], "folder/test-00000.jsonl")
    write(GSM8K, "other/part-1.jsonl")
    assert len(load("gsm8k", str(tmp_path / "folder"))) == 1
    assert len(load("gsm8k", str(tmp_path / "folder"), split="test")) == 2
    assert len(load("gsm8k", str(tmp_path / "other"))) == 3


# ---- which problems, under which name


def test_ids_depend_neither_on_order_nor_on_filters(write: WriteRows) -> None:
    forward = {p.question: p.id for p in load("gsm8k", write(GSM8K))}
    backward = {p.question: p.id for p in load("gsm8k", write(GSM8K[::-1], "back.jsonl"), max_calculations=2)}
    assert backward.items() <= forward.items()


def test_filters_come_before_offset_and_limit(write: WriteRows) -> None:
    path = write(GSM8K)
    assert [p.question for p in load("gsm8k", path, max_calculations=2)] == ["One?", "Two?"]
    assert [p.question for p in load("gsm8k", path, levels=["2", "3"], offset=1)] == ["Three?"]
    assert [p.question for p in load("gsm8k", path, levels=["2", "3"], limit=1)] == ["Two?"]


def test_shuffled_offsets_and_limits_partition_the_source(write: WriteRows) -> None:
    path = write([{"question": f"Q{n}", "gold": "1"} for n in range(20)])
    head = table(path, shuffle_seed=1, limit=8)
    tail = table(path, shuffle_seed=1, offset=8)
    assert {p.id for p in head} | {p.id for p in tail} == {p.id for p in table(path)}
    assert len(head) + len(tail) == 20
    assert head != table(path, limit=8)


def test_min_tests_drops_weakly_tested_programs(write: WriteRows) -> None:
    rows = [{"question": f"Q{n}", "tests": {"inputs": ["1"] * n, "outputs": ["1"] * n}} for n in (1, 2, 3)]
    assert [p.question for p in table(write(rows), min_tests=2)] == ["Q2", "Q3"]


def test_the_same_problem_twice_counts_once(write: WriteRows) -> None:
    assert len(load("gsm8k", write(GSM8K + GSM8K))) == 3


def test_the_revision_follows_the_content_and_not_the_file(write: WriteRows) -> None:
    settings = SourceSettings(kind="gsm8k")
    problems = load("gsm8k", write(GSM8K))
    assert data_revision(settings, problems) == data_revision(settings, load("gsm8k", write(GSM8K, "other.jsonl")))
    assert data_revision(settings, problems) != data_revision(settings, [replace(problems[0], gold="9"), *problems[1:]])


def test_sets_that_share_a_question_are_refused(write: WriteRows) -> None:
    problems = load("gsm8k", write(GSM8K))
    train, held_out = problems[:2], [replace(problems[2], split="test")]
    check_disjoint(train, [], held_out)
    again = [replace(problems[0], split="test", question=" One?\n")]
    with pytest.raises(UserError, match=r"train and test share a question .*One\?"):
        check_disjoint(train, [], again)


# ---- mistakes


@pytest.mark.parametrize(
    "lines, sentence",
    [
        ('{"question": "a", "gold": "1"}\n{"question": ', r"rows.jsonl line 2 is not JSON"),
        ("[1, 2]\n", "line 1 is a JSON list, expected an object"),
        ('{"q": "a", "gold": "1"}\n', "line 1: expected a value in column question, found the columns q, gold"),
        ('{"question": "a"}\n', "column gold or answer, found the columns question"),
        ('{"question": " ", "gold": "1"}\n', "line 1: question is empty"),
        ('{"question": "a", "gold": ""}\n', "1 of 1 problems have no gold answer, the first is rows.jsonl line 1"),
        ('{"id": 1, "question": "a", "gold": "1"}\n{"id": 1, "question": "b", "gold": "1"}\n', "'table/1'"),
        ("\n\n", "No table problem is left for train: 0 were read"),
        ('{"question": "a", "tests": "not json"}\n', "line 1: the tests or solutions are not JSON"),
    ],
)
def test_a_faulty_record_is_named(tmp_path: Path, lines: str, sentence: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(lines)
    with pytest.raises(UserError, match=sentence):
        table(str(path))


def test_a_mapped_column_that_is_absent_is_named_with_those_found(write: WriteRows) -> None:
    with pytest.raises(UserError, match="column prompt, found the columns question, gold"):
        table(write([{"question": "a", "gold": "1"}]), columns={"question": "prompt"})


def test_a_record_without_gold_among_many_stays_for_the_gold_check(write: WriteRows) -> None:
    rows = [{"problem": f"P{n}", "answer": "1"} for n in range(200)] + [{"problem": "last", "answer": None}]
    assert [p.gold for p in load("math", write(rows))].count("") == 1


def test_filters_that_leave_nothing_say_how_many_were_read(write: WriteRows) -> None:
    with pytest.raises(UserError, match=r"3 were read .* 0 pass"):
        load("gsm8k", write(GSM8K), levels=["9"])
    with pytest.raises(UserError, match="3 pass the filters, and offset is 5"):
        load("gsm8k", write(GSM8K), offset=5)


def test_unequal_inputs_and_outputs_are_refused(write: WriteRows) -> None:
    row = {"problem_id": 1, "question": "Q", "input_output": {"inputs": ["1", "2"], "outputs": ["1"]}}
    with pytest.raises(UserError, match="2 inputs but 1 outputs"):
        load("apps", write([row]))


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("rows.txt", b"x", "no known ending"),
        ("rows.parquet", b"PAR1 not", "not a readable Parquet file"),
        ("rows.jsonl", b"\xff\xfe", "not UTF-8 text"),
        ("rows.csv", b"question,gold\na,1,2\n", "line 2 has more cells"),
        ("rows.jsonl.gz", b"not gzip", "cannot be read"),
    ],
)
def test_an_unreadable_file_is_a_user_error(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        table(str(tmp_path / name))


@pytest.mark.parametrize("path", ["absent.jsonl", "foo://bucket/x.jsonl", "memory://absent/x.jsonl"])
def test_a_missing_place_is_a_user_error(path: str) -> None:
    with pytest.raises(UserError, match=path):
        table(path)


def test_an_empty_folder_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no \.jsonl"):
        table(str(tmp_path))


@pytest.mark.parametrize(
    "kind, sentence", [("apps", "script on the Hub"), ("table", "needs path"), ("arithmetic", "set limit")]
)
def test_a_source_without_a_place_says_what_it_needs(kind: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load(kind)


def test_unknown_arithmetic_splits_and_levels_are_refused() -> None:
    with pytest.raises(UserError, match="pretrain, train, val, test"):
        load("arithmetic", limit=1, split="dev")
    with pytest.raises(UserError, match="not 7"):
        load("arithmetic", limit=1, levels=["7"])
