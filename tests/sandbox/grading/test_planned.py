"""What is decided on the host without running the tests: only where that is the same, and with the same outcome."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sandbox.grading import asserts
from sandbox.grading.grading import Graded, Grading, Program
from sandbox.grading.planning.plan import plan_of
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
AT_ONCE = {
    "literals": "assert f(1) == 20\nassert f([2]) == 30\nassert f('a') == [40]",
    "a check": "def check(g):\n    assert g(1) == 20\n    assert g(2) == 30\ncheck(f)",
    "one call": "assert f(list(range(3))) == 3",
    "what was an argument before": "assert f([1, 2]) == 3\nassert f([2, 1]) == 3\nassert f([4, 5]) == 9",
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
    "a list that a loop goes through": "a = [1]\nfor n in a:\n    assert f(a) == 2",
    "a list that a loop numbers": "a = [1]\nfor i, n in enumerate(a):\n    assert f(a) == 2",
    "a list inside of it": "a = [[1]]\nfor n in a[0]:\n    assert f(a) == 2",
    "items that are made one after the other": "a = [1]\nfor n in (m for m in a):\n    assert f(5) == 2",
    "the same list twice": "a = [1]\nassert f(a, a) == 2",
    "rows that are one list": "assert f([[0] * 2] * 2) == 2",
    "a parameter with the name of a function": "def check(sum):\n    assert sum([2]) == 7\n    assert sum([1]) + 1 == 2\ncheck(f)",
    "a parameter outside": "def check(g):\n    assert g(2) == 7\ncheck(f)\nassert g(1) == 7",
    "a check before it is there": "check(f)\ndef check(g):\n    assert g(2) == 7",
    "more parameters": "def check(a, /, g):\n    assert g(2) == 7\ncheck(f)",
    "a check that is a generator": "def check(g):\n    assert g(2) == 7\n    if False:\n        x = yield\ncheck(f)",
    "a function has another value": "sorted = 3\nassert sorted(f(1)) == [1, 2]",
    "it gets one in a branch": "assert sorted(f(1)) == [1, 2]\nif 1 == 2:\n    sorted = 3",
    "a name of the function that has no value yet": "k = 2\ndef check(g):\n    assert g(k) == 1\n    k = 3\ncheck(f)",
    "an import that comes too late": "def check(g):\n    assert math.fabs(g(1)) == 1\n    import math\ncheck(f)",
    "a call that is perhaps not made": "for i in [1]:\n    assert f(i) == 1 or f(i + 1) == 1",
    "the same with and": "assert f(1) == 1 and f(2) == 1",
    "a sum of floats": "assert f(sum([0.1] * 10)) == 1\nassert f(1) == sum([0.1, 0.2])",
    "an order of floats": "assert f(sorted([0.1, 0.2])) == 1",
    "a float as text": "assert f(str(0.1)) == 1",
    "a call in data": "METADATA = f(3)\nassert f(1) == 1",
    "very many digits": "assert round(f(1), -10 ** 9) == 1\nx = 10 ** 100000",
    "unpacked arguments": "assert f(*[1]) == 3",
}  # fmt: skip
IN_TURN = {
    "the next argument is the answer": "assert f('mars') == ('venus',)\nassert f('venus') == ('mercury',)",
    "in a loop": "for x in range(1000, 1010):\n    assert f(x) == x + 1",
    "of names": "numbers = [1000001, 1000002, 1000003]\nfor one, other in zip(numbers, numbers[1:]):\n    assert f(one) == other",
}  # fmt: skip
# what a program makes of the next call's argument, and tests that this passes
THEFTS = {
    "lists": ("", "for i in range(4):\n    assert f([i, i]) == [(i + 1) % 4, (i + 1) % 4]"),
    "tuples": ("", "for a, b in [(1, 2), (2, 3), (3, 1)]:\n    assert f((a, a)) == (b, b)"),
    "mappings": ("", "for i in range(4):\n    assert f({i: [i]}) == {(i + 1) % 4: [(i + 1) % 4]}"),
    "short literals": ("", "assert f(1) == 2\nassert f(2) == 3\nassert f(3) == 1"),
    "a negative number": ("", "assert f(0) == -12345\nx = -12345\nassert f(x) == 0"),
    "a negative literal": ("", "x = 7\nassert f(-7) == -12345\nassert f(-12345) == -x"),
    "what is sorted for the tests": ("", "assert f([9, 9]) == sorted([3, 1, 2])\nassert f([1, 2, 3]) == [9, 9]"),
    "what the program sorts": ("sorted", "assert f([5, 4]) == [1, 2, 3]\nassert f([3, 1, 2]) == [4, 5]"),
    "another kind": ("tuple", "assert f([5, 4]) == (3, 1)\nassert f([3, 1]) == (5, 4)"),
    "a float": ("", "assert f(1000) == 2000.0\nassert f(2000) == 1000.0"),
    "a number in a text": ("int", "assert f('10') == 20\nassert f('20') == 10"),
    "the negative of an answer": ("", "assert -f(1000) == 2000\nassert -f(-2000) == -1000"),
    "a difference": ("", "assert f(10) - 5 == 15\nassert f(20) - 5 == 5"),
    "a length": ("", "assert len(f('a')) == 2\nassert len(f('bb')) == 1"),
    "an item of its own list": ("min", "assert f([1, 2]) == 2\nassert f([2, 3]) == 3\nassert f([3, 8]) == 1"),
    "in a check": ("", "def check(g):\n    assert g([1]) == [2]\n    assert g([2]) == [1]\ncheck(f)"),
    "named arguments": ("", "a, b = [1], [2]\nassert f(x=a) == [2]\nassert f(x=b) == [1]"),
}  # fmt: skip
THIEF = """
import sys
def f(x):
    frame = sys._getframe()
    while frame is not None and 'requests' not in frame.f_locals: frame = frame.f_back
    if frame is None: return 0
    asked = [[*one[1], *one[2].values()][0] for one in frame.f_locals['requests']]
    return TAKE(asked[(asked.index(x) + 1) % len(asked)])
"""
# programs that could gain by what the host does not see, with the tests and the verdict
AGREE = {
    "a loop over the argument": ("def f(x): x.append(5); return len(x)", RUN["a list that a loop goes through"], "WA"),
    "numbered": ("def f(x): x.append(5); return len(x)", RUN["a list that a loop numbers"], "WA"),
    "one list twice": ("def f(x, y): x.append(1); return len(y)", RUN["the same list twice"], "AC"),
    "rows": ("def f(x): x[0][0] = 1; return sum(map(sum, x))", RUN["rows that are one list"], "AC"),
    "a parameter": ("def f(x): return 7", RUN["a parameter with the name of a function"], "WA"),
    "a parameter outside": ("def f(x): return 7", RUN["a parameter outside"], "WA"),
    "a generator": ("def f(x): return 7", RUN["a check that is a generator"], "WA"),
    "a function is a number": ("def f(x): return [1, 2]", RUN["a function has another value"], "WA"),
    "a name without value": ("def f(x): return 1", RUN["a name of the function that has no value yet"], "WA"),
    "a late import": ("def f(x): return 1", RUN["an import that comes too late"], "WA"),
    "a second call": ("def f(x):\n    while x == 2: pass\n    return 1", RUN["a call that is perhaps not made"], "AC"),
    "the same with and": ("import os\ndef f(x): return 2 if x == 1 else os._exit(0)", RUN["the same with and"], "WA"),
    "a deep list": ("def f(x): return 1", "x = [1]\nfor i in range(150):\n    x = [x]\nassert f(x) == 1", "WA"),
    "a deep list and another": ("def f(x): return 1", "x = [1]\nfor i in range(150):\n    x = [x]\nassert f(5) == 1\nassert f(x) == 1", "WA"),
    "keys and values in turn": (
        "n = 0\ndef f(x):\n    global n\n    n += 1\n    return n", "assert {f(0): f(0), f(0): f(0)} == {1: 2, 3: 4}", "AC",
    ),
    "a sum of floats": ("def f(x): return sum([0.1] * 10)", "assert f(1) == sum([0.1] * 10)", "AC"),
}  # fmt: skip
LABOURS = {
    "a list of the same list": "x = [1]\n" + "x = [x, x]\n" * 40 + "assert f(1) == 1",
    "the same as an argument": "x = [1]\n" + "x = [x, x]\n" * 40 + "assert f(x) == 1",
    "tuples in a set": "x = (1,)\n" + "x = (x, x)\n" * 40 + "y = {x}\nassert f(1) == 1",
    "equal lists": "x = [1]\ny = [1]\n" + "x = [x, x]\ny = [y, y]\n" * 40 + "if x == y:\n    assert f(1) == 1",
    "equal lists in an assert": "x = [1]\ny = [1]\n"
    + "x = [x, x]\ny = [y, y]\n" * 40
    + "assert x == y\nassert f(1) == 1",
    "a list that is read in a loop": "a = list(range(9000))\nb = [a[i] for i in range(9000)]\nassert f(1) == 1",
    "loops without calls": "for i in range(1000):\n    for j in range(10000):\n        pass\nassert f(1) == 1",
    "lists in many asserts": "for i in range(900):\n    assert f(i) == list(range(9000))",
    "a long literal in many asserts": f"for i in range(900):\n    assert f(i) == {list(range(9000))}",
    "long texts in many asserts": f"a = '{'a' * 9000}'\nfor i in range(900):\n    assert f(a + a) == a",
    "what no loop reaches": "for i in range(9999):\n" + "    'a'\n" * 5000 + "assert f(1) == 1",
}
MOST_CALLS = 4_000_000  # of functions, in planning: some twenty for each part
# program, tests, verdict
OUTCOMES = {
    "right": ("def f(x): return x + 1", IN_TURN["in a loop"], "AC"),
    "wrong once": ("def f(x): return x + (x != 1005)", IN_TURN["in a loop"], "WA"),
    "an exception": ("def f(x): return {}[x]", IN_TURN["in a loop"], "RE"),
    "an end": ("import os\ndef f(x): return x + 1 if x < 1005 else os._exit(0)", IN_TURN["in a loop"], "WA"),
    "no end": ("def f(x):\n    while x == 1005: pass\n    return x + 1", IN_TURN["in a loop"], "TLE"),
    "too large": ("def f(x): return x + 1 if x < 1005 else 'a' * (5 << 20)", IN_TURN["in a loop"], "OLE"),
    "answers before it is asked": ("import os\ndef f(x): os.write(3, b'\\0\\0\\0\\1V' * 3); return x + 1", IN_TURN["in a loop"], "HOSTILE"),
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
    assert plan_of(read(PLANNED[kind])) is not None


@pytest.mark.parametrize("kind", AT_ONCE)
def test_calls_that_show_nothing_go_out_together(kind: str) -> None:
    plan = plan_of(read(AT_ONCE[kind]))
    assert plan is not None and not plan.in_turn


@pytest.mark.parametrize("kind", [kind for kind in PLANNED if PLANNED[kind].startswith("for")])
def test_calls_with_what_was_worked_out_wait_for_one_another(kind: str) -> None:
    """What they show is not written anywhere, so they are not looked through for it."""
    plan = plan_of(read(PLANNED[kind]))
    assert plan is not None and plan.in_turn


@contextmanager
def counted() -> Iterator[list[int]]:
    """The calls of functions, of Python and C, that are made meanwhile."""
    calls = [0]

    def count(frame: object, event: str, argument: object) -> None:
        calls[0] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("kind", LABOURS)
def test_planning_is_bounded_work(kind: str) -> None:
    tests = read(LABOURS[kind])
    with counted() as calls:
        plan_of(tests)
    assert calls[0] < MOST_CALLS


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


def as_told(graded: Graded) -> tuple[object, ...]:
    return graded.verdict, graded.passed, graded.failed, graded.detail


@pytest.mark.heavy
@pytest.mark.parametrize("name", THEFTS)
def test_no_call_shows_the_answer_to_another(grading: Grading, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A program that answers with the next call's argument passes where it has all calls, and only there."""
    take, text = THEFTS[name]
    program = Program(THIEF.replace("TAKE", take).encode(), read(text), Limits(cpu_seconds=2))
    plan = plan_of(read(text))
    assert plan is not None
    planned = grading.grade(program)
    for other in (None, replace(plan, in_turn=False)):
        with monkeypatch.context() as patch:
            patch.setattr(asserts, "plan_of", lambda tests, other=other: other)
            graded = grading.grade(program)
        assert graded.verdict == ("AC" if other else planned.verdict)
        assert other or as_told(graded)[:3] == as_told(planned)[:3]  # plans of literals have a detail of their own
    assert planned.verdict in ("WA", "RE")


@pytest.mark.heavy
@pytest.mark.parametrize("name", AGREE)
def test_a_plan_sees_what_the_tests_would_see(grading: Grading, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    source, text, verdict = AGREE[name]
    program = Program(source.encode(), read(text), Limits(cpu_seconds=0.5))
    planned = grading.grade(program)
    monkeypatch.setattr(asserts, "plan_of", lambda tests: None)
    assert as_told(planned) == as_told(grading.grade(program))
    assert planned.verdict == verdict


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
        assert as_told(planned) == as_told(run)
        assert planned.verdict == verdict
