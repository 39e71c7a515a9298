"""Tests made by chance have the outcome by plan that Python gives them, with programs that change what they get and remember it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from copy import deepcopy
from itertools import count
from typing import Any

import pytest

from sandbox.grading.answers import ProgramRaised, Raised
from sandbox.grading.planning.plain_operations import Unplanned
from sandbox.grading.planning.plan import Plan, plan_of
from sandbox.grading.rewriting import BadTests, assert_tests
from sandbox.image.inside.decoding import decode
from sandbox.image.inside.encoding import encode
from tests.sandbox.grading.tests_by_chance import Chance

TESTS = 1200
FAULTS = (AssertionError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, NameError)
Function = Callable[..., Any]


def counts() -> Function:
    calls = count(1)
    return lambda *given, **named: next(calls)


def appends() -> Function:
    def f(one: Any, *others: Any, **named: Any) -> Any:
        if isinstance(one, list):
            one.append(7)
            return len(one)
        return one

    return f


def changes_what_is_inside() -> Function:
    def f(*given: Any, **named: Any) -> Any:
        lists = [item for one in given if isinstance(one, list) for item in [one, *one] if isinstance(item, list)]
        if lists:
            lists[-1].append(9)
        return sum(map(len, lists)) % 4

    return f


def remembers() -> Function:
    kept: list[Any] = []

    def f(one: Any, *others: Any, **named: Any) -> Any:
        kept.append(one)
        return sum(len(item) for item in kept if isinstance(item, list))

    return f


def clears_one_and_measures_the_other() -> Function:
    def f(*given: Any, **named: Any) -> Any:
        if isinstance(given[0], list):
            given[0].clear()
        return len(given[-1]) if isinstance(given[-1], list) else 0

    return f


PROGRAMS = [counts, appends, changes_what_is_inside, remembers, clears_one_and_measures_the_other]


def hold(text: str, function: Function) -> bool:
    """Return whether Python passes the tests, which get copies of answers, as through the sandbox."""
    try:
        exec(text, {"f": lambda *given, **named: deepcopy(function(*given, **named))})
    except FAULTS:
        return False
    return True


def hold_by_plan(plan: Plan, function: Function) -> bool:
    answers: list[Any] = []
    for request in plan.requests:
        try:
            given, named = decode(encode([list(request.arguments), dict(request.keywords)]))
            answers.append(deepcopy(function(*given, **named)))
        except FAULTS as error:
            answers.append(Raised(str(error)))
    try:
        return all(step.holds(answers) for step in plan.steps)
    except (ProgramRaised, *FAULTS):
        return False


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_plan_decides_as_python_does(program: Callable[[], Function]) -> None:
    chance, outcomes = Chance(5), list[bool]()
    for _ in range(TESTS):
        text = chance.tests()
        with contextlib.suppress(BadTests, Unplanned):  # then the tests are refused, or run
            plan = plan_of(assert_tests("", text, "f"))
            if plan is not None:
                planned = hold_by_plan(plan, program())
                outcomes.append(planned)
                assert planned == hold(text, program()), text
    assert len(outcomes) > TESTS / 4, "most of these tests are never planned"
    assert sum(outcomes) > TESTS / 20, "hardly any passes"
