"""docs/methods.md: its loop of plain Python is run with the settings of the methods and does what the loop does; no method is left out."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.config import RunConfig, make_config
from flows.loop.rounds import grows
from tasks.domain.algorithms import METHODS

DOCS = (Path(__file__).parents[3] / "docs" / "methods.md").read_text(encoding="utf-8")
LOOP = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)[0]


def told(config: RunConfig) -> SimpleNamespace:
    """Run the loop of the docs; who was sampled, where each training started, and how many sets of samples each was made from."""
    seen = SimpleNamespace(sampled=[], hinted=[], starts=[], pooled=[], people=[])

    def draw(sampler: str, problems: Any, waves: Any = None, hint: str | None = None) -> list[str]:
        (seen.sampled if hint is None else seen.hinted).append(sampler if hint is None else hint)
        return [f"drawn from {sampler}"]

    def train(start: str, rows: list[str], *_: Any) -> str:
        seen.starts.append(start)
        seen.pooled.append(len(rows))
        return f"policy {len(seen.starts)}"

    def solutions(problems: Any) -> list[str]:
        seen.people.append(len(seen.starts) + 1)
        return ["by people"]

    def same(rows: Any, **_: Any) -> Any:
        return rows

    def accept(rows: list[Any], threshold: Any) -> list[Any]:
        return [row for row in rows if row]

    names = {name: getattr(config, name) for name in ("loop", "generate", "materialize", "finetune")}
    functions = {"draw": draw, "train": train, "solutions": solutions, "accept": accept, "evaluate": lambda *_: None}
    functions |= dict.fromkeys(("grade", "failed", "weigh", "cap", "distinct", "best_on_val"), same)
    values = {
        "base": "base",
        "sft": "sft",
        "teacher": "teacher",
        "train_problems": [],
        "test": [],
        "learning_rate": 0,
        "steps": 0,
    }
    source = LOOP.replace(
        "whose_turn_it_is(train,", "whose_turn_it_is(train_problems,"
    )  # `train` is the set here, the training below
    exec(source, {**names, **functions, **values, "whose_turn_it_is": lambda problems, *_: problems})
    return seen


def test_it_has_fifteen_lines() -> None:
    assert len([line for line in LOOP.splitlines() if line.strip()]) == 15


@pytest.mark.parametrize("name", METHODS.names())
def test_it_samples_whom_the_loop_samples_and_starts_where_the_loop_starts(name: str) -> None:
    config = make_config({"run": {"preset": name}, "teacher": {"policy": "base"}})
    seen, rounds = told(config), range(1, config.loop.iterations + 1)
    policies = ["sft" if config.loop.first == "sft" else "base", *(f"policy {number}" for number in rounds)]
    grown = [max(one for one in rounds[:number] if grows(config.loop, one)) for number in rounds]
    expected = ["teacher" if config.loop.sampler == "teacher" else policies[at - 1] for at in grown]
    assert seen.sampled == expected
    start = config.finetune.start
    assert seen.starts == [policies[number - 1] if start == "previous" else start for number in rounds]
    assert seen.people == (list(rounds) if config.materialize.human != "none" else [])
    assert set(seen.hinted) == {config.loop.hint}
    growing = config.loop.pool == "all"
    assert (seen.pooled[-1] > seen.pooled[0]) == (growing and config.loop.iterations > 1)


def test_every_method_has_its_row_of_switches_and_its_line_of_figures() -> None:
    switches, figures = DOCS.split("## Published figures")
    rows = re.findall(r"^\| (`.*?) \|", switches, re.MULTILINE)
    lines = re.findall(r"^\| (`.*?) \|", figures, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == set(METHODS.built_in)
    controls = {
        "unfiltered",
        "permuted",
        "rest_em_code",
    }  # the first two are no methods of the paper; the third is rest_em on code
    assert {name for line in lines for name in re.findall(r"`(\w+)`", line)} == set(METHODS.built_in) - controls
