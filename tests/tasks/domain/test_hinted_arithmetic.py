"""What the base with hints is taught: hints as prompts write them, and solutions that end in what was told."""

from __future__ import annotations

import random
from itertools import islice

from tasks.data.sources import load_problems
from tasks.domain.arithmetic import ANSWER_MARK, drawn, solution
from tasks.domain.hinted_arithmetic import HINTED_SHARE, WHOLE_SHARE, exercises, hinted_question, told_solution
from tasks.domain.prompts import template_named
from tasks.domain.settings import SourceSettings

TAUGHT = list(islice(exercises(0), 4_000))


def test_a_hint_is_taught_as_a_prompt_writes_it() -> None:
    template = template_named("arithmetic")
    problems = load_problems(SourceSettings(kind="arithmetic", split="train", limit=50), "train")
    for problem, one in zip(problems, _expressions(), strict=False):
        assert problem.question == one.question
        for hint, told in (("answer", str(one.gold)), ("solution", solution(one))):
            assert template.render(problem, 0, hint) == hinted_question(one, told) + "\n"  # type: ignore[arg-type]


def test_the_shares_of_hints_are_those_that_are_stated() -> None:
    hinted = [question for question, _ in TAUGHT if "(" in question]
    whole = [question for question in hinted if ANSWER_MARK in question]
    assert abs(len(hinted) / len(TAUGHT) - HINTED_SHARE) < 0.03
    assert abs(len(whole) / len(hinted) - WHOLE_SHARE) < 0.05


def test_who_is_told_ends_in_what_was_told_whatever_the_columns_say() -> None:
    slipped = 0
    for question, text in TAUGHT:
        if "(" in question:
            told = question[question.index("(") + 1 : -1].rpartition(ANSWER_MARK)[2]
            assert text.rpartition(ANSWER_MARK)[2] == told
    rng = random.Random(0)
    for one in islice(drawn("pretrain", 1), 1_000):
        text = told_solution(one, rng)
        assert text.endswith(f"{ANSWER_MARK}{one.gold}")
        slipped += text != solution(one)
    assert 0 < slipped < 400, "some of them are right by the answer and wrong by the working"


def test_the_same_seed_teaches_the_same_and_another_seed_something_else() -> None:
    assert list(islice(exercises(0), 50)) == TAUGHT[:50] != list(islice(exercises(1), 50))


def _expressions():  # type: ignore[no-untyped-def]
    from tasks.domain.arithmetic import expressions

    return islice(expressions("train", 0), 50)
