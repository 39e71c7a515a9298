"""The layouts that the field uses by name; each has a file of our own making in layouts/."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.data.problems import graded_sets, read_sets
from tasks.data.sources import load_problems
from tasks.domain.errors import UserError
from tasks.domain.golds import alternatives
from tasks.domain.schema import Problem
from tasks.domain.settings import DataSettings, SourceSettings, VerifySettings

LAYOUTS = Path(__file__).parent / "layouts"


def load(kind: str, name: str | None = None) -> list[Problem]:
    settings = SourceSettings.model_validate({"kind": kind, "path": str(LAYOUTS / f"{name or kind}.jsonl")})
    return load_problems(settings, "train")


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (LAYOUTS / f"{name}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_verl_keeps_the_system_text_and_the_ground_truth(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "train.parquet" if ending == "parquet" else LAYOUTS / "verl.jsonl"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows_of("verl")), path)
    first, second = load_problems(SourceSettings(kind="verl", path=str(path)), "train")
    assert first.question == "Ann has 3 pears and buys 4. How many has she?"
    assert first.chat == {"system": "Think step by step."}
    assert (first.gold, second.gold, second.chat) == ("7", "0.5", {})
    assert first.meta["solution"].endswith("#### 7") and "solution" not in second.meta


def test_verl_inputs_and_outputs_are_tests() -> None:
    (problem,) = load("verl", "verl_code")
    assert (problem.kind, problem.gold) == ("code", None)
    assert json.loads(problem.tests or "") == {"inputs": ["2\n", "5\n"], "outputs": ["4\n", "10\n"]}


def test_verifiers_answers_stand_in_any_of_its_places() -> None:
    inside, beside, chat, code = load("verifiers")
    assert [inside.gold, beside.gold, code.gold] == ["42", "48", None]
    assert alternatives(chat.gold) == ("54", "54.0") and chat.chat == {"system": "Box the answer."}
    assert json.loads(code.tests or "") == {"inputs": ["1 2\n"], "outputs": ["3\n"]}
    assert inside.id == "verifiers/own_1"


def test_openrlhf_prompts_are_text_or_messages() -> None:
    assert [(one.question, one.gold) for one in load("openrlhf")] == [
        ("What is 10 minus 4?", "6"),
        ("What is 10 minus 5?", "5"),
    ]


def test_numina_golds_stand_in_the_last_box_or_the_answer() -> None:
    assert [one.gold for one in load("numina")] == ["3", "\\frac{1}{2}", "3"]


def test_math_has_level_and_type() -> None:
    assert [(one.gold, one.level, one.meta["type"]) for one in load("math")] == [
        ("9", "1", "Prealgebra"),
        ("1", "2", "Geometry"),
    ]


def numina(tmp_path: Path, name: str, proofs: int, answered: int) -> dict[str, Any]:
    """A source of which some rows ask for a proof."""
    rows = [{"problem": f"{name} {n}?", "solution": "as is known", "answer": "proof"} for n in range(proofs)]
    rows += [{"problem": f"{name} {n}?", "solution": f"\\boxed{{{n}}}"} for n in range(proofs, proofs + answered)]
    path = tmp_path / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"kind": "numina", "path": str(path)}


def test_rows_without_a_gold_are_left_out_up_to_the_allowed_share_and_counted(tmp_path: Path) -> None:
    sources = {
        "train": numina(tmp_path, "train", 3, 7), "val": numina(tmp_path, "val", 0, 2), "test": numina(tmp_path, "test", 0, 2),
    }  # fmt: skip
    allowed = DataSettings.model_validate({**sources, "max_bad_gold_share": 0.3})
    sets = graded_sets(read_sets(allowed), allowed, VerifySettings())
    assert len(sets.problems["train"]) == 7 and len(sets.left_out) == 3
    with pytest.raises(UserError, match=r"3 of 10 problems have no gold answer.*data.max_bad_gold_share"):
        read_sets(DataSettings.model_validate({**sources, "max_bad_gold_share": 0.2}))


def test_a_file_without_any_gold_is_refused_whatever_is_allowed(tmp_path: Path) -> None:
    settings = SourceSettings.model_validate(numina(tmp_path, "train", 3, 0))
    with pytest.raises(UserError, match="3 of 3 problems have no gold"):
        load_problems(settings, "train")
