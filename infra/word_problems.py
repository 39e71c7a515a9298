"""GSM8K with at most two calculations and SVAMP as one set of problems with solutions by people (compare-real.toml).

    python infra/word_problems.py GSM8K_FOLDER SVAMP_FILE .restem/data/word-problems

GSM8K_FOLDER holds train.jsonl and test.jsonl (openai/grade-school-math), SVAMP_FILE the 1,000 problems of arkilpatel/SVAMP as
lines with question, answer and equation. It writes train.jsonl, val.jsonl and test.jsonl, to be read as `kind = "table"`; the
level of a problem is its source, so that reports show each source. The same files give the same sets.

SVAMP has no training half, and many of its problems are one story told again with other numbers or another question. So those
that share eight words in a row, directly or through others, stay together in one set. Its equation is the solution by people.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS_IN_COMMON = 8
Row = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """How many problems of each source a set has; SVAMP sets are larger by what is left of their last story."""

    train: int
    val: int
    test: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gsm8k", type=Path, help="folder with GSM8K's train.jsonl and test.jsonl")
    parser.add_argument("svamp", type=Path, help="SVAMP as jsonl")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--calculations", type=int, default=2, help="of GSM8K: problems with at most so many <<a=b>>")
    parser.add_argument("--train", type=int, default=800, help="train problems of each source, at most")
    parser.add_argument("--val", type=int, default=30, help="val problems of each source")
    parser.add_argument("--test", type=int, default=300, help="test problems of each source")
    options = parser.parse_args()
    missing = [str(one) for one in (options.gsm8k / "train.jsonl", options.gsm8k / "test.jsonl", options.svamp) if not one.is_file()]  # fmt: skip
    if missing:
        sys.exit(f"there is no file {missing[0]}; name the folder of GSM8K and the file of SVAMP")
    sizes = Sizes(options.train, options.val, options.test)
    sets = gsm8k_sets(options.gsm8k, options.calculations, sizes), svamp_sets(options.svamp, sizes)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in ("train", "val", "test"):
        write(options.out / f"{name}.jsonl", in_order(row for one in sets for row in one[name]))
    return 0


def gsm8k_sets(folder: Path, calculations: int, sizes: Sizes) -> dict[str, list[Row]]:
    """Return sets of GSM8K: val and train from its train half, test from its test half."""
    train = [gsm8k_row(one) for one in read(folder / "train.jsonl") if one["answer"].count("<<") <= calculations]
    test = [gsm8k_row(one) for one in read(folder / "test.jsonl") if one["answer"].count("<<") <= calculations]
    train = in_order(train)
    return {
        "val": train[: sizes.val],
        "train": train[sizes.val : sizes.val + sizes.train],
        "test": in_order(test)[: sizes.test],
    }


def gsm8k_row(record: Row) -> Row:
    """Return a problem of GSM8K; its solution is without the calculator's marks."""
    gold = record["answer"].rsplit("####", 1)[1].strip()
    return row("gsm8k", record["question"], gold, re.sub(r"<<[^<>]*>>", "", record["answer"]))


def svamp_sets(file: Path, sizes: Sizes) -> dict[str, list[Row]]:
    """Return sets of SVAMP of whole stories: test is filled first, then val, and train is the rest."""
    records = list(read(file))
    sets: dict[str, list[Row]] = {"test": [], "val": [], "train": []}
    wanted = {"test": sizes.test, "val": sizes.val, "train": sizes.train}
    for story in stories(records):
        place = next((name for name, rows in sets.items() if len(rows) < wanted[name]), None)
        if place is not None:
            sets[place] += [svamp_row(one) for one in story]
    return sets


def svamp_row(record: Row) -> Row:
    """Return a problem of SVAMP; its solution is its equation, written as people write numbers."""
    equation = re.sub(r"(\d)\.0\b", r"\1", record["equation"]).strip()
    equation = equation.removeprefix("(").removesuffix(")").strip().replace("( ", "(").replace(" )", ")")
    return row(
        "svamp", record["question"], record["answer"], f"{equation} = {record['answer']}\n#### {record['answer']}"
    )


def row(source: str, question: str, gold: str, solution: str) -> Row:
    name = f"{source}-{digest(question)[:12]}"
    return {"id": name, "question": question, "gold": gold, "level": source, "meta": {"solution": solution}}


def stories(records: Sequence[Row]) -> list[list[Row]]:
    """Return the records in groups that share `WORDS_IN_COMMON` words in a row, groups in a fixed shuffled order."""
    group = list(range(len(records)))  # each points to one of its group, the first to itself
    first_with: dict[str, int] = {}
    for number, record in enumerate(records):
        for phrase in phrases(record["question"]):
            group[head_of(group, number)] = head_of(group, first_with.setdefault(phrase, number))
    found: dict[int, list[Row]] = {}
    for number, record in enumerate(records):
        found.setdefault(head_of(group, number), []).append(record)
    return sorted(found.values(), key=lambda story: min(digest(one["question"]) for one in story))


def head_of(group: list[int], number: int) -> int:
    while group[number] != number:
        group[number] = group[group[number]]
        number = group[number]
    return number


def phrases(text: str) -> Iterable[str]:
    """Return all runs of `WORDS_IN_COMMON` words; of a shorter text, all of it."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {" ".join(words[at : at + WORDS_IN_COMMON]) for at in range(max(1, len(words) - WORDS_IN_COMMON + 1))}


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Return the rows in an order that depends on their questions alone, and mixes the sources."""
    return sorted(rows, key=lambda one: digest(one["question"]))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read(file: Path) -> Iterable[Row]:
    return (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip())


def write(file: Path, rows: Sequence[Row]) -> None:
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    sources = ", ".join(f"{sum(one['level'] == name for one in rows)} {name}" for name in ("gsm8k", "svamp"))
    print(f"{file}: {len(rows)} problems ({sources})")


if __name__ == "__main__":
    sys.exit(main())
