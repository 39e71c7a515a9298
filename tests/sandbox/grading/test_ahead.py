"""Tests that are foreseen: one message where there were hundreds, and the outcome of tests that wait for each answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.grading import asserts
from sandbox.grading.asserts import outcome_of_asserts
from sandbox.grading.grading import Grading, Program
from sandbox.grading.planning.plan import plan_of
from sandbox.grading.tests import AssertTests, assert_tests
from sandbox.job import Execution
from sandbox.limits import Limits
from sandbox.pool.sessions import OpenSession

pytestmark = pytest.mark.heavy
DOUBLE = "def f(x): return 2 * x"
LOOP = "for x in range(100):\n    assert f(x) == 2 * x"
# program, tests, whether the tests do as was foreseen
CASES = {
    "a loop": (DOUBLE, LOOP, True),
    "random arguments": (DOUBLE, f"import random\nfrom random import choice\n{LOOP.replace('range(100)', '[choice([1, 2]), random.random()]')}", True),
    "a check of a candidate": (DOUBLE, "def check(g):\n    for x in range(9):\n        assert g(x) == 2 * x\n    assert g('a') == 'aa'\ncheck(f)", True),
    "methods of a unittest class": (
        DOUBLE, "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(1), 2)\n"
        "        self.assertAlmostEqual(f(.5), 1)\n    def test_b(self):\n        self.assertIn(f(2), [4])", True,
    ),
    "an argument from an answer": (DOUBLE, "x = f(1)\nassert f(x) == 4 and f(f(x)) == 8", True),
    "a condition on an answer": (DOUBLE, "assert f(1) == 2\nassert f(2) == 4\nif f(3) == 6:\n    assert f(5) == 10", True),
    "an exception": ("def f(x):\n    if x < 0: raise ValueError('no')\n    return x",
        "assert f(1) == 1\ntry:\n    f(-1)\n    assert False\nexcept ValueError:\n    pass\nassert f(2) == 2", True),
    "arguments changed in place": (
        "def f(x): x.append(len(x)); return len(x)", "a = []\nfor n in range(3):\n    assert f(a) == n + 1\nassert a == [0, 1, 2]", True,
    ),
    "arguments changed by both": (
        "def f(x): x.append(len(x)); return len(x)", "a = []\nfor n in range(3):\n    assert f(a) == 2 * n + 1\n    a.append(7)\nassert a == [0, 7, 2, 7, 4, 7]", False,
    ),
    "a wrong answer in a loop": (DOUBLE.replace("2 * x", "2 * x - (x == 50)"), LOOP, True),
    "an end in a loop": ("import os\ndef f(x): return 2 * x if x < 50 else os._exit(0)", LOOP, True),
    "an exception in a loop": ("def f(x): return 2 * x if x < 50 else {}[x]", LOOP, True),
    "too long in a loop": ("def f(x):\n    while x == 50: pass\n    return 2 * x", LOOP, True),
    "global state": ("n = 0\ndef f(x):\n    global n\n    n += 1\n    return n", LOOP.replace("2 * x", "x + 1"), True),
    "constants": ("LIMIT = 7\ndef f(x): return LIMIT", "for x in range(5):\n    assert f(x) == LIMIT\nassert LIMIT == 7", True),
    "the clock": (DOUBLE, "import time\nfor _ in range(3):\n    x = time.perf_counter_ns()\n    assert f(x) == 2 * x", False),
    "an operation that another answer decides on": (DOUBLE, "assert f(1) == 2 or f(3) == 5\nassert f(4) == 8\nassert f(5) == 10", True),
    "two operations in one comparison": (DOUBLE, "import string\nassert sorted([f(2), 1]) == sorted([f(2), 1])\nassert f(3) == 6", False),
    "functions of the tests": ("def f(g): return g(g(1))", "for k in range(5):\n    assert f(lambda x: x + k) == 1 + 2 * k", True),
    "objects": (
        "class C:\n    def __init__(self, x): self.x = x\n    def get(self): return self.x",
        "c = C(3)\nfor _ in range(3):\n    assert c.get() == 3\nassert C(5).x == 5", True,
    ),
    "what is printed": ("def f(x): print(x)", "def test_it(capsys):\n    for x in 'ab':\n        f(x)\n    assert capsys.readouterr().out == 'a\\nb\\n'", True),
}  # fmt: skip


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many operations each message of foreseen ones held."""
    found: list[int] = []
    real = asserts._answers

    def counted(program: OpenSession, frames: list[bytes], limits: Limits) -> tuple[list[bytes], Execution | None]:
        found.append(len(frames))
        return real(program, frames, limits)

    monkeypatch.setattr(asserts, "_answers", counted)
    return found


def read(text: str) -> AssertTests:
    return assert_tests("", text, "C" if "C(" in text else "f")


@pytest.mark.parametrize("name", CASES)
def test_what_is_foreseen_changes_no_outcome(grading: Grading, name: str) -> None:
    source, text, as_foreseen = CASES[name]
    tests = read(text)
    for run_all in (False, True):
        program = Program(source.encode(), tests, Limits(cpu_seconds=0.5), run_all)
        astray: set[AssertTests] = set()
        ahead = outcome_of_asserts(grading.sandbox, program, tests, False, astray)
        waiting = outcome_of_asserts(grading.sandbox, program, tests, False, {tests})
        assert (ahead.verdict, ahead.detail, ahead.passed) == (waiting.verdict, waiting.detail, waiting.passed)
        assert (tests not in astray) == as_foreseen


def test_a_loop_of_calls_is_one_message(grading: Grading, batches: list[int]) -> None:
    tests = read(f"import random\n{LOOP}")  # else there is a plan
    assert plan_of(tests) is None
    assert grading.grade(Program(DOUBLE.encode(), tests)).verdict == "AC"
    assert batches == [100]


def test_tests_that_stray_once_are_not_foreseen_again(grading: Grading, batches: list[int]) -> None:
    source, text, _ = CASES["arguments changed by both"]
    for _ in range(3):
        assert grading.grade(Program(source.encode(), read(text + "\n# once"))).verdict == "AC"
    assert len(batches) <= 1


# the shape of arguments and answers, what finds the next argument among the bytes that the program can read, and the items of the tests
FOUND = {
    "numbers": (
        "{}", "next((n for n in range(x + 1000, 1_100_000, 1000) if str(n).encode() in seen or n.to_bytes(3, 'little') in seen), 1_000_003)",
        "[1_000_003 + 1000 * n for n in range(20)]",
    ),
    "lists of texts": ("[{}]", "[after(b'word-[0-9]+', x[0])]", "['word-' + str(n * n) for n in range(20)]"),
    "negative numbers in tuples": (
        "({},)", "next(((n,) for n in range(x[0] - 1000, -1_100_000, -1000) if str(n).encode() in seen or n.to_bytes(3, 'little', signed=True) in seen), (-1_000_003,))",
        "[-1_000_003 - 1000 * n for n in range(20)]",
    ),
    "keys": ("{{{}: 'v'}}", "{int(after(b'70000000[0-9]+', str([*x][0]))): 'v'}", "[7_000_000_000 + n * n for n in range(9)]"),  # no address of an object looks like these
}  # fmt: skip


@pytest.mark.parametrize("kind", FOUND)
def test_a_program_does_not_see_a_call_before_it_has_answered_the_one_before(
    grading: Grading, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The argument of each call is the answer to the one before; the program looks for it in whatever it can read."""
    shape, search, answers = FOUND[kind]
    thief = f"""
import os, re, sys
def f(x):
    seen, frame = b'', sys._getframe()
    while frame is not None:
        seen += repr({{name: value for name, value in frame.f_locals.items() if name not in ('x', 'seen')}}).encode()
        frame = frame.f_back
    for fd in range(64):
        for read in (lambda: os.pread(fd, 1 << 16, 0), lambda: __import__('socket').socket(fileno=os.dup(fd)).recv(1 << 16, 66)):
            try: seen += read()
            except (OSError, ValueError): pass
    def after(pattern, own):
        found = sorted({{one.decode() for one in re.findall(pattern, seen)}}, key=lambda one: (len(one), one))
        return found[(found.index(own) + 1) % len(found)] if own in found else '0'
    return {search}
"""
    loop = f"assert f({shape.format('one')}) == {shape.format('other')}"
    text = f"answers = {answers}\nfor one, other in zip(answers, answers[1:] + answers[:1]):\n    {loop}"
    for before in ("", "import random\n"):  # planned, and with the tests in their container
        graded = grading.grade(Program(thief.encode(), read(before + text)))
        assert graded.verdict == "WA", graded
    plan = plan_of(read(text))
    assert plan is not None
    monkeypatch.setattr(asserts, "plan_of", lambda tests: replace(plan, in_turn=False))
    assert grading.grade(Program(thief.encode(), read(text))).verdict == "AC", "the thief finds nothing at all"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("def f(g):\n    while True: g()", "assert f(lambda: 1) == 5"),
        ("def f(x):\n    while True: yield x", "assert 5 in f(1)"),
    ],
)
def test_messages_for_ever_end_in_wall_time(
    grading: Grading, monkeypatch: pytest.MonkeyPatch, source: str, text: str
) -> None:
    for name, value in {
        "MOST_BORROWED": 10**9,
        "MANY_MESSAGES": 20,
        "MESSAGES_SECONDS": 0.2,
        "MESSAGES_PER_CPU_SECOND": 0,
    }.items():
        monkeypatch.setattr(asserts, name, value)
    graded = grading.grade(Program(source.encode(), read(text)))
    assert (graded.verdict, graded.reruns) == ("TLE", 1)  # the machine may be busy: once more, alone
    assert graded.wall_seconds < 30
