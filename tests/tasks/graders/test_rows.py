"""Files of rows are read as people have them, and a key or a gold that is not what it seems is said, not guessed."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.domain.errors import UserError
from tasks.domain.settings import VerifySettings
from tasks.graders.answer_file import AuditReport, audit_file
from tasks.graders.rows import read_lines
from tasks.graders.table import side_by_side

SETTINGS = VerifySettings(workers=1)


def audited(path: Path, *rows: Any, settings: VerifySettings = SETTINGS) -> AuditReport:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return audit_file(str(path), settings)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le-bom"])
def test_a_byte_order_mark_names_the_encoding(tmp_path: Path, encoding: str) -> None:
    text = '{"gold": "é"}\r\n\r\n{"gold": 2}\n'
    content = b"\xff\xfe" + text.encode("utf-16-le") if encoding.endswith("bom") else text.encode(encoding)
    (tmp_path / "rows.jsonl").write_bytes(content)
    lines = read_lines(str(tmp_path / "rows.jsonl"), "rows")
    assert [(line.number, line.value["gold"]) for line in lines] == [(1, "é"), (3, 2)]


def test_other_encodings_are_named_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"gold": "é"}\n'.encode("latin-1"))
    with pytest.raises(UserError, match=r"not UTF-8 text .byte 10.*--encoding latin-1"):
        read_lines(str(path), "rows")
    assert read_lines(str(path), "rows", "latin-1")[0].value == {"gold": "é"}
    with pytest.raises(UserError, match="no encoding 'klingon'"):
        read_lines(str(path), "rows", "klingon")


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"gold": "2", "pred": "2", "label": 1}\n')))
    assert audit_file("-", SETTINGS).accuracy == 1.0


def test_whole_numbers_of_any_length_are_read(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(f'{{"n": {"7" * 9000}}}\n')
    assert len(bin(read_lines(str(tmp_path / "rows.jsonl"), "rows")[0].value["n"])) > 29_000


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"problem": "1+1?", "gold": "2", "pred": "2"}, "the key 'problem' and no question; call it 'question'"),
        ({"gold": "2", "prediction": "2"}, "the key 'prediction' and no pred"),
        ({"answer": "2", "pred": "2"}, "the key 'answer' and no gold"),
        ({"gold": "2", "pred": "2", "lable": 1}, "the key 'lable' and no label"),
        ({"gold": {"a": 1}, "pred": "2"}, "gold is a JSON dict; expected a text or a number"),
        ({"gold": [["1"]], "pred": "1"}, "gold is a JSON list"),
        ({"gold": True, "pred": "1"}, "gold is a JSON bool"),
        ({"gold": "2", "pred": ["2"]}, "pred is a JSON list"),
        ({"gold": "2", "pred": "2", "label": [1]}, "the label \\[1\\]"),
    ],
)  # fmt: skip
def test_what_would_be_guessed_is_refused(tmp_path: Path, row: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        audited(tmp_path / "rows.jsonl", row)


def test_notes_beside_the_known_keys_stay_unread(tmp_path: Path) -> None:
    row = {"gold": "2", "pred": "2", "label": 1, "source": "me", "answer": "5", "kind": "n", "suggested_label": 0}
    assert audited(tmp_path / "rows.jsonl", row).accuracy == 1.0


def test_a_list_of_golds_are_alternatives(tmp_path: Path) -> None:
    golds = [r"\frac12", "7", 9]
    rows = [{"id": pred, "gold": golds, "pred": pred} for pred in ("0.5", "7", "9", "8")]
    found = audited(tmp_path / "rows.jsonl", *rows, {"id": "none", "gold": [], "pred": "1"})
    assert [row.label for row in found.rows] == ["correct", "correct", "correct", "wrong", "wrong"]


def test_a_gold_that_cannot_be_read_is_the_golds_fault(tmp_path: Path) -> None:
    found = audited(
        tmp_path / "rows.jsonl",
        {"id": "bad", "gold": "}{", "pred": "2", "label": 1},
        {"id": "one is enough", "gold": ["}{", "2"], "pred": "2", "label": 1},
        {"id": "good", "gold": "2", "pred": "3", "label": 0},
    )
    assert found.gold_faults == ["bad"] and "cannot be read" in str(found.rows[0].gold_fault)
    assert "unreadable golds 1  bad" in found.to_text() and "the gold cannot be read" in found.to_text()


def test_failing_rows_stand_side_by_side_and_json_has_their_labels(tmp_path: Path) -> None:
    found = audited(
        tmp_path / "rows.jsonl",
        {"id": "fp", "gold": "x+1", "pred": "1+x", "label": 0},
        {"id": "fn", "gold": "41", "pred": "42", "label": 1},
        {"id": "fine", "gold": "41", "pred": "41", "label": 1},
    )
    table = found.to_text().split("\n\n")[0].splitlines()
    assert [line.split()[:3] for line in table[1:]] == [["fp", "accepted", "wrong"], ["fn", "wrong", "right"]]
    assert table[1].index("1+x") == table[2].index("42")
    assert "correct 2, wrong 1" in found.to_text()
    assert [row["expected"] for row in json.loads(found.to_json())["rows"]] == [False, True, True]


def test_what_a_model_wrote_cannot_steer_a_terminal() -> None:
    (_, line, _) = side_by_side(("answer",), [("\x1b[2Jred\x07\n" + "x" * 100,)])
    assert line.isprintable() and len(line) <= 44


def test_any_reward_grades_a_file(tmp_path: Path) -> None:
    (tmp_path / "own_grade_of_a_test.py").write_text("def f(problem, text): return len(text) / problem.meta['most']\n")
    rows = [{"id": n, "text": "x" * n, "meta": {"most": 3}, "label": n > 1} for n in range(1, 4)]
    settings = VerifySettings(reward="own_grade_of_a_test:f", folder=str(tmp_path), workers=1, threshold=0.6)
    found = audited(tmp_path / "rows.jsonl", *rows, settings=settings)
    assert (found.accuracy, [round(row.reward or 0, 2) for row in found.rows]) == (1.0, [0.33, 0.67, 1.0])


def test_an_interruption_keeps_what_was_graded(tmp_path: Path) -> None:
    def interrupt(done: int, of: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "rows.jsonl"
    path.write_text('{"gold": "2", "pred": "2", "label": 1}\n' * 1000)
    found = audit_file(str(path), SETTINGS, progress=interrupt)
    assert (len(found.rows), found.missing, found.accuracy) == (256, 744, 1.0)
    assert "not graded       744" in found.to_text()
