"""Corrections change the problems and verdicts that they name, and no key of any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.config import load_config
from tasks.domain.corrections import Rulings, corrected, read_corrections
from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Problem, Verdict
from tasks.domain.settings import Overruled, VerifySettings

LINES = [
    {"problem": "a", "gold": "42", "note": "a slip of the answer key"},
    {"problem": "b", "drop": True},
    {"problem": "c", "tests": {"inputs": ["1"], "outputs": ["2"]}},
    {"problem": "a", "text": digest_of_text("so it is 41"), "label": "correct"},
]


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def problem(name: str) -> Problem:
    return Problem(name, "s", "train", "math", f"{name}?", gold="1")


def test_golds_change_and_problems_go(tmp_path: Path) -> None:
    found = read_corrections(write(tmp_path / "c.jsonl", *LINES))
    made = corrected([problem(name) for name in "abcd"], found.problems)
    assert [(one.id, one.gold, one.tests) for one in made] == [
        ("a", "42", None), ("c", "1", '{"inputs": ["1"], "outputs": ["2"]}'), ("d", "1", None),
    ]  # fmt: skip


def test_a_verdict_is_overruled_by_its_text(tmp_path: Path) -> None:
    found = read_corrections(write(tmp_path / "c.jsonl", *LINES))
    rulings = Rulings(found.overruled, ["a"])
    wrong = Verdict("a", 3, "wrong", 0.0, {"rule": "different"})
    assert rulings.applied(wrong, "so it is 41") == Verdict(
        "a", 3, "correct", 1.0, {"rule": "different", "overruled": "wrong"}
    )
    assert rulings.applied(wrong, "so it is 40") == wrong
    assert rulings.applied(Verdict("b", 3, "wrong", 0.0), "so it is 41").label == "wrong"


def test_only_keys_of_problems_with_a_ruling_change() -> None:
    ruling = Overruled(problem="a", text=digest_of_text("x"), label="wrong")
    assert Rulings([ruling], ["b", "c"]).content() == {}
    assert Rulings([ruling], ["a", "b"]).content() == {"overruled": [["a", digest_of_text("x"), "wrong"]]}
    assert VerifySettings(overruled=(ruling,)).content() == VerifySettings().content()


def test_a_config_names_the_file_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "c.jsonl", *LINES)
    (tmp_path / "config.toml").write_text('[data]\ncorrections = "c.jsonl"\n')
    config = load_config(tmp_path / "config.toml")
    assert [one.problem for one in config.data.corrections] == ["a", "b", "c"]
    assert [one.label for one in config.verify.overruled] == ["correct"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"problem": "a"}, "expected problem with gold, tests, drop, or with text and label"),
        ({"gold": "5"}, "problem: Field required"),
        ({"problem": "a", "gold": 5}, "gold: Input should be a valid string"),
        ({"problem": "a", "text": "x", "label": "correct"}, "text: String should match"),
        ({"problem": "a", "text": "0" * 16, "label": "right"}, "label: Input should be"),
        ({"problem": "a", "text": "0" * 16, "label": "wrong", "drop": True}, "expected problem with"),
        (["a"], "expected problem with"),
    ],
)
def test_a_line_that_is_no_correction_is_told(tmp_path: Path, line: object, sentence: str) -> None:
    with pytest.raises(UserError, match=f"line 1.*{sentence}"):
        read_corrections(write(tmp_path / "c.jsonl", line))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_corrections(tmp_path / "none.jsonl")
