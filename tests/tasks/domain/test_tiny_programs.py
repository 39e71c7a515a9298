"""The built-in programming problems: their solutions solve them, slips do not, splits are disjoint."""

from __future__ import annotations

import contextlib
import io
import json
import random
from itertools import islice

import pytest

from tasks.data.sources import load_problems
from tasks.domain.errors import UserError
from tasks.domain.settings import SourceSettings
from tasks.domain.tiny_programs import (
    LEVELS,
    PROGRAM_SPLITS,
    Task,
    slipped_solution,
    solution,
    stepwise,
    tasks,
)
from tasks.domain.tiny_programs import tests_of as cases_of


def solves(program: str, task: Task) -> bool:
    record = json.loads(cases_of(task))
    return all(
        printed(program, given) == wanted for given, wanted in zip(record["inputs"], record["outputs"], strict=True)
    )


def printed(program: str, given: str) -> str:
    lines = iter(given.splitlines())
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(program, {"input": lambda: next(lines)})
    return output.getvalue()


def test_both_ways_to_write_it_are_right() -> None:
    for task in islice(tasks("train"), 150):
        assert solves(solution(task), task)
        assert solves(stepwise(task), task)


def test_the_level_is_the_number_of_places_that_can_go_wrong() -> None:
    for task in islice(tasks("train"), 150):
        forgotten = solution(task, lambda: True)
        assert solves(forgotten, task) == (task.level == "0")
    assert Task("a+b", (("*", 3), ("+", 1), ("*", 2))).level == "2"


def test_most_authors_of_hard_problems_are_wrong() -> None:
    rng = random.Random(0)
    hard = list(islice(tasks("pretrain", levels=("1", "2")), 300))
    assert sum(solves(slipped_solution(task, rng), task) for task in hard) < 0.5 * len(hard)


def test_no_question_is_in_two_splits() -> None:
    questions = [{task.question for task in islice(tasks(split), 400)} for split in PROGRAM_SPLITS]
    assert len(set.union(*questions)) == sum(map(len, questions)) == 400 * len(PROGRAM_SPLITS)


def test_the_loader_gives_code_problems_with_tests() -> None:
    problems = load_problems(SourceSettings(kind="programs", limit=30, hidden_tests=2, levels=("1",)), "train")
    assert {problem.level for problem in problems} == {"1"} <= set(LEVELS)
    record = json.loads(problems[0].tests or "")
    assert (len(record["inputs"]), len(record["hidden"]["inputs"])) == (3, 2)
    assert problems == load_problems(SourceSettings(kind="programs", limit=30, hidden_tests=2, levels=("1",)), "train")


@pytest.mark.parametrize("settings", [{"limit": 3, "split": "half"}, {"limit": 3, "levels": ("9",)}, {}])
def test_what_it_does_not_have_is_told(settings: dict[str, object]) -> None:
    with pytest.raises(UserError, match="programs"):
        load_problems(SourceSettings.model_validate({"kind": "programs", **settings}), "train")
