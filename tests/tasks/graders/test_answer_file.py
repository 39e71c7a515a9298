"""The audit reads labelled pairs and reports what the grader gets wrong, without hiding anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.domain.errors import UserError
from tasks.domain.settings import VerifySettings
from tasks.graders.answer_file import audit_math

SETTINGS = VerifySettings(workers=1)


def audited(tmp_path: Path, *lines: object):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return audit_math(str(path), SETTINGS)


def test_wrong_labels_are_named(tmp_path: Path) -> None:
    report = audited(
        tmp_path,
        {"id": "right", "gold": "1/2", "pred": r"so it is \boxed{0.5}", "label": 1},
        {"id": "fp", "gold": "x+1", "pred": "1+x", "label": 0},
        {"id": 7, "gold": "2", "pred": "3", "label": True},
        {"id": "free", "gold": "2", "pred": "2"},
    )
    assert (report.accuracy, report.false_positives, report.false_negatives) == (1 / 3, ["fp"], ["7"])
    assert [row.label for row in report.rows] == ["correct", "correct", "wrong", "correct"]
    assert "0.3333 (1 of 3)" in report.to_text()


def test_json_has_the_promised_keys(tmp_path: Path) -> None:
    report = json.loads(audited(tmp_path, {"id": "a", "gold": "2", "pred": "2", "question": "1+1?"}).to_json())
    assert set(report) >= {"accuracy", "false_positives", "false_negatives", "pairs_per_second", "seconds", "rows"}
    assert set(report["seconds"]) == {"p50", "p99", "max"}
    assert set(report["rows"][0]) == {
        "id", "label", "evidence", "seconds", "expected", "reward", "gold_fault",
    }  # fmt: skip
    assert report["accuracy"] is None


@pytest.mark.parametrize(
    "line", ["no json", "[1]", '{"gold": "1"}', '{"gold": "1", "pred": "1", "label": "perhaps"}', ""]
)
def test_a_file_of_another_kind_is_refused_with_the_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(UserError, match="expected"):
        audited(tmp_path, line)


def test_a_missing_file_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file"):
        audit_math(str(tmp_path / "absent.jsonl"), SETTINGS)
