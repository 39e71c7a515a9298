"""The sets of compare-real.toml: whole stories stay together, solutions are as people write them, the loader reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flows.comparison.design import load_comparison
from tasks.data.sources import load_problems

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "infra" / "word_problems.py"
CONFIG = ROOT / "deployments" / "configs" / "compare-real.toml"
NAMES = ("Ada", "Bo", "Cy", "Di", "Eli", "Fay", "Gus", "Hal", "Ida", "Jo", "Kim", "Lou")


def gsm8k(number: int) -> dict[str, str]:
    calculations = number % 4
    steps = " ".join(f"<<{n}+1={n + 1}>>{n + 1}" for n in range(calculations))
    return {"question": f"Question {number} of many?", "answer": f"{steps} so it is {number}\n#### {number}"}


def svamp(number: int) -> dict[str, str]:
    """Two in a row are one story: eight equal words, the first of them the name, and another number."""
    name = NAMES[number // 2]
    story = f"{name} keeps many red and blue marbles here"
    return {
        "question": f"{story}. {number} are lost. How many remain?", "answer": f"{90 - number}", "equation": f"( 90.0 - {number}.0 )",
    }  # fmt: skip


def made(folder: Path, *, backwards: bool = False) -> dict[str, list[dict[str, Any]]]:
    files: Mapping[str, list[dict[str, str]]] = {
        "train.jsonl": [gsm8k(n) for n in range(40)], "test.jsonl": [gsm8k(n) for n in range(40, 60)],
        "svamp.jsonl": [svamp(n) for n in range(24)],
    }  # fmt: skip
    folder.mkdir()
    for name, rows in files.items():
        lines = [json.dumps(row) + "\n" for row in (reversed(rows) if backwards else rows)]
        (folder / name).write_text("".join(lines))
    sizes = [word for name, size in (("train", 20), ("val", 3), ("test", 5)) for word in (f"--{name}", str(size))]
    argv = [sys.executable, str(SCRIPT), str(folder), str(folder / "svamp.jsonl"), str(folder / "sets"), *sizes]
    subprocess.run(argv, check=True, capture_output=True)
    return {
        name: [json.loads(line) for line in (folder / "sets" / f"{name}.jsonl").read_text().splitlines()]
        for name in ("train", "val", "test")
    }


def test_problems_of_one_story_are_in_one_set(tmp_path: Path) -> None:
    sets = made(tmp_path / "data")
    told = {
        name: {row["question"].split()[0] for row in rows if row["level"] == "svamp"} for name, rows in sets.items()
    }
    assert all(told.values()) and sum(map(len, told.values())) == len(NAMES)
    assert not (told["train"] & told["test"] or told["train"] & told["val"] or told["val"] & told["test"])


def test_only_problems_with_few_calculations_are_taken_and_no_half_of_gsm8k_feeds_the_other(tmp_path: Path) -> None:
    sets = made(tmp_path / "data")
    numbers = {name: [int(row["gold"]) for row in rows if row["level"] == "gsm8k"] for name, rows in sets.items()}
    assert {number % 4 for found in numbers.values() for number in found} == {0, 1, 2}
    assert min(numbers["test"]) >= 40 > max(numbers["train"] + numbers["val"])
    assert {name: len(found) for name, found in numbers.items()} == {"train": 20, "val": 3, "test": 5}


def test_a_solution_is_as_people_write_it_and_ends_in_the_gold(tmp_path: Path) -> None:
    for row in (row for rows in made(tmp_path / "data").values() for row in rows):
        text = row["meta"]["solution"]
        assert text.endswith(f"\n#### {row['gold']}") and "<<" not in text and ".0" not in text
        assert row["level"] != "svamp" or text.startswith(f"90 - {90 - int(row['gold'])} = {row['gold']}")


def test_the_order_of_the_lines_decides_nothing(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other", backwards=True)
    ids = [{name: sorted(row["id"] for row in rows) for name, rows in sets.items()} for sets in (one, other)]
    assert ids[0] == ids[1]


def test_the_committed_comparison_reads_the_sets_with_their_solutions(tmp_path: Path) -> None:
    made(tmp_path / "data")
    file = tmp_path / "data" / "sets" / "train.jsonl"
    config = load_comparison(CONFIG, [f"data.train.path={file}"]).cells[0].config
    problems = load_problems(config.data.train, "train")
    assert {problem.level for problem in problems} == {"gsm8k", "svamp"}
    assert all(problem.meta["solution"].endswith(str(problem.gold)) for problem in problems)


@pytest.mark.parametrize("missing", ["train.jsonl", "svamp.jsonl"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    for name in {"train.jsonl", "test.jsonl", "svamp.jsonl"} - {missing}:
        (tmp_path / name).write_text("")
    argv = [sys.executable, str(SCRIPT), str(tmp_path), str(tmp_path / "svamp.jsonl"), str(tmp_path / "out")]
    ended = subprocess.run(argv, capture_output=True, text=True)
    assert ended.returncode == 1 and f"there is no file {tmp_path / missing}" in ended.stderr
