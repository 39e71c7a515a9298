"""The exercises of `arithmetic` with solutions by simulated people: `arithmetic_people` slip in 5 % of them, `_hasty` in 25 %."""

from __future__ import annotations

from dataclasses import replace

from tasks.data.loader import loader
from tasks.data.loaders.arithmetic import make as exercises
from tasks.domain.arithmetic import Expression
from tasks.domain.people import CAREFUL, HASTY, written_by_people
from tasks.domain.schema import Problem, Split
from tasks.domain.settings import SourceSettings


def _written(problem: Problem, slip_share: float) -> Problem:
    operator = "+" if "+" in problem.question else "-"
    a, b = problem.question.removesuffix("=?").split(operator)
    expression = Expression(int(a), operator, int(b), problem.level or "")  # type: ignore[arg-type]
    return replace(problem, meta={"solution": written_by_people(expression, slip_share)})


def careful(settings: SourceSettings, split: Split) -> list[Problem]:
    return [_written(problem, CAREFUL) for problem in exercises(settings, split)]


def hasty(settings: SourceSettings, split: Split) -> list[Problem]:
    return [_written(problem, HASTY) for problem in exercises(settings, split)]


PEOPLE = loader("arithmetic_people", make=careful)
HASTY_PEOPLE = loader("arithmetic_people_hasty", make=hasty)
