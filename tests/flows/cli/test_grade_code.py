"""`restem grade code` as a person runs it: verdicts and counts of a file, labels, rows that cannot be graded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.grading.grading import Program
from tasks.domain.errors import UserError
from tasks.graders.program_file import WANTED, grade_file
from tasks.graders.program_rows import program_of, row_of
from tasks.graders.rows import read_lines

STDIN = {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "3\n"]}
ROWS: list[dict[str, Any]] = [
    {"id": "right", "program": "print(int(input()) + 1)", "label": 1, **STDIN},
    {"id": "half", "program": "print(2)", "label": 0, **STDIN},
    {"id": "call", "program": "class Solution:\n    def f(self, xs: List[int]): return xs[::-1]", "fn_name": "f", "inputs": [[[1, 2]]], "outputs": [[2, 1]]},
    {"id": "body", "program": "    return 2 * x\n", "prompt": "def f(x):\n    '''Twice x.'''\n", "entry_point": "f",
     "test": "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 4\n"},
    {"id": "asserts", "program": "def f(x): return x", "test": "assert f(1) == 1\nassert f(2) == 3\nassert f(3) == 3"},
    {"id": "slow", "program": "while True: pass", "cpu_seconds": 0.5, **STDIN},
    {"id": "large", "program": "x = bytearray(10 ** 9)", "memory_mb": 64, **STDIN},
    {"id": "broken", "program": "print(", **STDIN},
    {"id": "none", "program": "print(1)", "inputs": [], "outputs": []},
]  # fmt: skip
FAULTY: list[tuple[Any, str]] = [
    ({"id": "a", **STDIN}, "program is a NoneType"),
    ({"id": "b", "program": 5, **STDIN}, "program is a int"),
    ({"id": "c", "program": "x"}, "expected inputs and outputs, or test"),
    ({"id": "d", "program": "x", "inputs": ["1"], "outputs": []}, "two lists of one length"),
    ({"id": "e", "program": "x", "cpu_seconds": -1, **STDIN}, "cpu_seconds is -1"),
    ({"id": "f", "program": "x", "memory_mb": "much", **STDIN}, "memory_mb is 'much'"),
    ({"id": "g", "program": "x", "label": "perhaps", **STDIN}, "the label 'perhaps'"),
    ({"id": "h", "program": "x", "test": "assert ("}, "does not parse"),
    ([1, 2], "expected an object"),
]


def write(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.mark.heavy
def test_a_file_is_graded(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "flows.cli.main",
        "grade",
        "code",
        "--json",
        write(tmp_path / "rows.jsonl", [*ROWS, {"id": "bad"}]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if "no Docker engine answers" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 2 and "1 of 10 rows could not be graded" in done.stderr
    report = json.loads(done.stdout)
    found = {row["id"]: row for row in report["rows"]}
    assert {name: row["verdict"] for name, row in found.items()} == {
        "right": "AC", "half": "WA", "call": "AC", "body": "AC", "asserts": "WA", "slow": "TLE", "large": "MLE", "broken": "CE",
        "none": "WA", "bad": None,
    }  # fmt: skip
    assert [(found[name]["tests_passed"], found[name]["tests"]) for name in ("right", "half", "asserts", "none")] == [
        (2, 2), (1, 2), (2, 3), (0, 0),
    ]  # fmt: skip
    assert (found["right"]["reward"], found["half"]["reward"], found["bad"]["reward"]) == (1.0, 0.0, None)
    assert report["counts"] == {"AC": 3, "WA": 3, "TLE": 1, "MLE": 1, "CE": 1, "ERROR": 1}
    assert report["accuracy"] == 1.0 and report["programs_per_second"] > 0
    assert 0.4 < found["slow"]["cpu_seconds"] < 1


@pytest.mark.parametrize(("row", "sentence"), FAULTY)
def test_a_row_that_cannot_be_graded_says_why(tmp_path: Path, row: Any, sentence: str) -> None:
    (line,) = read_lines(write(tmp_path / "rows.jsonl", [row]), WANTED)
    read = row_of(line)
    assert read.program is None
    assert sentence in str(read.error) and "line 1" in str(read.error)


@pytest.mark.parametrize(
    ("text", "sentence"), [("", "has no rows"), ("{", "line 1 is not JSON"), ("\xff", "not UTF-8")]
)
def test_a_file_that_is_none_is_told_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=sentence):
        grade_file(str(path))


def test_limits_and_tests_come_from_the_row() -> None:
    program = program_of({**ROWS[0], "cpu_seconds": 9, "memory_mb": 100})
    assert isinstance(program, Program)
    assert (program.limits.cpu_seconds, program.limits.memory_mb, len(program.tests)) == (9.0, 100, 2)  # type: ignore[arg-type]
