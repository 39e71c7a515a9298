"""What is decided on the host without running the tests: only where that is the same, and with the same outcome."""

from __future__ import annotations

import pytest

from sandbox.grading import asserts
from sandbox.grading.grading import Grading, Program
from sandbox.grading.plan import plan_of
from sandbox.grading.tests import AssertTests, assert_tests
from sandbox.limits import Limits

PLANNED = {
    "a loop": "for x in range(5):\n    assert f(x) == 2 * x",
    "a loop with a condition": "for x in range(5):\n    if x % 2 == 0:\n        assert f(x) == 2 * x",
    "pairs": "for a, b in [([1], 2), ([3], 4)]:\n    assert f(a) == b",
    "pairs made together": "for x, y in zip([1, 2], [2, 4]):\n    assert f(x) == y",
    "names": "numbers = list(range(-9, 9, 2))\nwanted = sum([i ** 2 for i in numbers if i > 0])\nassert f(numbers) == wanted",
    "a copy that is made before": "a = [3, 1]\nb = sorted(a)\nassert f(a) == b",
    "names of a check": "def check(g):\n    k = 3\n    assert g(k) == 1\ncheck(f)",
    "long texts": "assert f('a' * 50) == 'b' * 50",
    "a list that is made": "assert f(list(range(3))) == 3",
}
# why the tests have to run
RUN = {
    "the program may change what is compared": "a = [1]\nassert f(a) == a",
    "the same, written first": "a = [1]\nassert a == f(a)",
    "and what is sorted afterwards": "a = [3, 1]\nassert f(a) == sorted(a)",
    "the program may have changed it before": "a = [1]\nassert f(a) == 1\nassert f(a) == 2",
    "under another name": "a = [1]\nb = a\nassert f(a) == 1\nassert f(b) == 2",
    "inside another list": "a = [[1]]\nb = a[0]\nassert f(b) == 1\nassert f(a) == 2",
    "in a loop": "for a, b in [([1], 2), ([3], 4)]:\n    assert f(a) == b and a == [1]",
    "the tests change a list": "a = [1]\na.append(2)\nassert f(a) == 3",
    "the tests change it in place": "a = [1]\na += [2]\nassert f(a) == 3",
    "the tests change an item": "a = [1]\na[0] = 2\nassert f(a) == 1",
    "an argument is an answer": "x = f(1)\nassert f(x) == 4",
    "a function of Python is another one here": "def range(n): return [1]\nfor x in range(5):\n    assert f(x) == 2 * x",
    "the order of a set": "for x in {1, 2}:\n    assert f(x) == 2 * x",
    "an iterator has a name": "z = zip([1], [2])\nfor x, y in z:\n    assert f(x) == y",
    "an iterator inside": "assert f([zip([1])]) == 3",
    "an assert is not reached": "for x in range(0):\n    assert f(x) == 3\nassert f(1) == 2",
    "a loop ends early": "for x in range(3):\n    assert f(x) == 3\n    break",
    "a loop without end": "while True:\n    assert f(1) == 3",
    "a name is gone": "def check(g):\n    k = 3\n    assert g(k) == 1\ncheck(f)\nassert f(k) == 2",
    "the program's name is another thing": "f = 3\nassert f(1) == 2",
    "chance": "import random\nassert f(random.random()) == 1",
    "a huge number": "x = 10 ** 100000\nassert f(x) == 1",
    "a huge loop": "for i in range(10 ** 9):\n    assert f(i) == 1",
    "a long loop": "for i in range(5000):\n    assert f(i) == 1",
    "a huge text": "a = 'a' * 10 ** 9\nassert f(a) == 1",
    "a huge list": "a = [i for i in range(9999) for j in range(9999)]\nassert f(a) == 1",
    "a format": "x = 'a %s' % 'b'\nassert f(x) == 3",
    "no plain value": "assert f(range(3)) == 3",
    "unpacked arguments": "assert f(*[1]) == 3",
}  # fmt: skip
IN_TURN = {
    "the next argument is the answer": "assert f('mars') == ('venus',)\nassert f('venus') == ('mercury',)",
    "in a loop": "for x in range(1000, 1010):\n    assert f(x) == x + 1",
    "of names": "numbers = [1000001, 1000002, 1000003]\nfor one, other in zip(numbers, numbers[1:]):\n    assert f(one) == other",
}  # fmt: skip
# program, tests, verdict
OUTCOMES = {
    "right": ("def f(x): return x + 1", IN_TURN["in a loop"], "AC"),
    "wrong once": ("def f(x): return x + (x != 1005)", IN_TURN["in a loop"], "WA"),
    "an exception": ("def f(x): return {}[x]", IN_TURN["in a loop"], "RE"),
    "an end": ("import os\ndef f(x): return x + 1 if x < 1005 else os._exit(0)", IN_TURN["in a loop"], "WA"),
    "no end": ("def f(x):\n    while x == 1005: pass\n    return x + 1", IN_TURN["in a loop"], "TLE"),
    "too large": ("def f(x): return x + 1 if x < 1005 else 'a' * (5 << 20)", IN_TURN["in a loop"], "OLE"),
    "does not compile": ("def f(x) return", IN_TURN["in a loop"], "CE"),
    "an object": ("class One(int): pass\ndef f(x): return One(x + 1)", IN_TURN["in a loop"], "AC"),
    "another object": ("class One: pass\ndef f(x): return One()", IN_TURN["in a loop"], "WA"),
    "its own argument": ("def f(x): return x", "assert f([1000]) == [1000]\nassert f([1001]) == [1001]\nassert f([1000]) == [1000]", "AC"),
    "a loop": ("def f(x): return 2 * x", PLANNED["a loop"], "AC"),
    "a loop, wrong once": ("def f(x): return 2 * x + (x == 3)", PLANNED["a loop"] + "\nassert f(7) == 14", "WA"),
    "what was sorted": ("def f(a): a.sort(); return a", PLANNED["a copy that is made before"], "AC"),
}  # fmt: skip


def read(text: str) -> AssertTests:
    return assert_tests("", text, "f")


@pytest.mark.parametrize("kind", PLANNED)
def test_what_needs_no_answer_is_worked_out_here(kind: str) -> None:
    plan = plan_of(read(PLANNED[kind]))
    assert plan is not None and not plan.in_turn


@pytest.mark.parametrize("why", RUN)
def test_tests_run_where_the_host_cannot_know_what_they_see(why: str) -> None:
    assert plan_of(read(RUN[why])) is None


@pytest.mark.parametrize("kind", IN_TURN)
def test_calls_that_show_an_outcome_wait_for_the_answers_before(kind: str) -> None:
    plan = plan_of(read(IN_TURN[kind]))
    assert plan is not None and plan.in_turn


def test_a_helper_of_the_prompt_hides_a_function_of_python() -> None:
    for text in ("assert f(sorted([2, 1])) == 5", "assert sorted(f(1)) == 5"):
        assert plan_of(assert_tests("", text, "f")) is not None
        assert plan_of(assert_tests("def sorted(x): return 5\n", text, "f")) is None


@pytest.mark.heavy
@pytest.mark.parametrize("name", OUTCOMES)
def test_a_plan_changes_no_outcome(grading: Grading, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    source, text, verdict = OUTCOMES[name]
    for run_all in (False, True):
        program = Program(source.encode(), read(text), Limits(cpu_seconds=0.5), run_all)
        planned = grading.grade(program)
        with monkeypatch.context() as patch:
            patch.setattr(asserts, "plan_of", lambda tests: None)
            run = grading.grade(program)
        assert (planned.verdict, planned.passed, planned.failed, planned.detail) == (
            run.verdict,
            run.passed,
            run.failed,
            run.detail,
        )
        assert planned.verdict == verdict
