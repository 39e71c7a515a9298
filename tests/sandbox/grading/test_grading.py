"""What honest programs and tests may do, through the real sandbox: values, exceptions, arguments, classes, functions of the tests."""

from __future__ import annotations

import pytest

from sandbox.grading.grading import Grading, Program
from sandbox.grading.tests import CallTest, StdinTest, assert_tests
from sandbox.limits import Limits
from sandbox.status import Status

pytestmark = pytest.mark.heavy
POINT = "class P:\n    def __init__(self, x): self.x = x\n    def twice(self): return 2 * self.x\n    def __eq__(self, other): return True"
HONEST = {
    "values": (
        "from collections import *\ndef f():\n    d = defaultdict(list)\n    d[(1, 2)].append({3})\n"
        "    return Counter('aab'), d, 1 + 2j, frozenset([1]), {(1, 2): {'x'}}, OrderedDict(a=1), b'x', None, range(3), float('inf')",
        "from collections import Counter\na, b, c, d, e, o, y, n, r, i = f()\nassert a == Counter('aab') and b == {(1, 2): [{3}]}\n"
        "assert c == 1 + 2j and d == {1} and e == {(1, 2): {'x'}} and o == {'a': 1}\n"
        "assert y == b'x' and n is None and list(r) == [0, 1, 2] and i > 10 ** 300",
    ),
    "expected exception": (
        "def f(x):\n    raise ValueError('bad', x)",
        "try:\n    f(3)\n    assert False\nexcept ValueError as error:\n    assert error.args == ('bad', 3)",
    ),
    "an exception of its own class": (
        "class Mine(KeyError): pass\ndef f(x): raise Mine(x)", "try:\n    f(3)\nexcept KeyError as error:\n    assert error.args == (3,)",
    ),
    "changed arguments": (
        "def f(x, y):\n    x.sort()\n    x.append(x[0])\n    y['k'] = [x]\n    return x",
        "a, b = [3, 1, 2], {}\nr = f(a, b)\nassert r is a == [1, 2, 3, 1]\nassert b['k'][0] is a",
    ),
    "aliases among arguments": ("def f(x):\n    x[0].append(1)", "a = []\nf([a, a])\nassert a == [1]"),
    "functions of the tests": ("def f(g, x): return g(g(x)) + 1", "assert f(lambda y: 2 * y, 4) == 17"),
    "built-in functions": ("def f(g, x): return g(x), int", "assert f(len, [1, 2]) == (2, int)"),
    "functions of the program": ("def f(x): return lambda y: x + y", "assert f(1)(2) == 3"),
    "generators": ("def f(x):\n    while True: yield x", "import itertools\nassert list(itertools.islice(f(1), 3)) == [1, 1, 1]"),
    "keywords": ("def f(*a, x=1, **k): return a, x, k", "assert f(1, x=2, y=3) == ((1,), 2, {'y': 3})"),
    "a builtin's name": ("def sum(a, b): return a + b", "assert sum(1, 2) == 3"),
    "modules without import": ("def f(x): return x ** 0.5", "assert math.isclose(f(4), 2)"),
    "global state": ("n = 0\ndef f():\n    global n\n    n += 1\n    return n", "assert f() == 1\nassert f() == 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_is_accepted(grading: Grading, name: str) -> None:
    program, test = HONEST[name]
    entry_point = "sum" if "builtin" in name else "f"
    graded = grading.grade(Program(program.encode(), assert_tests("", test, entry_point)))
    assert (graded.verdict, graded.detail) == (Status.AC, "")


@pytest.mark.parametrize(
    ("test", "verdict"),
    [
        ("p = P(3)\nassert p.twice() == 6 and p.x == 3", "AC"), ("p = P(3)\np.x = 4\nassert p.twice() == 8", "AC"),
        ("assert isinstance(P(1), P) and not isinstance(1, P)", "AC"), ("p = P(1)\nassert p == p and p in [p]", "AC"),
        ("assert P(1) == 1", "WA"), ("assert P(1) == P(2)", "WA"), ("assert not P(1) != 1", "WA"), ("assert P(1).y == 1", "RE"),
    ],
)  # fmt: skip
def test_objects_of_a_program_stay_with_it(grading: Grading, test: str, verdict: str) -> None:
    assert str(grading.grade(Program(POINT.encode(), assert_tests("", test, "P"))).verdict) == verdict


def test_the_first_failing_test_is_named_and_the_share_counted(grading: Grading) -> None:
    source = b"print(int(input()) * 2)"
    tests = tuple(StdinTest(str(n).encode(), str(2 * n + (n > 2)).encode()) for n in range(1, 5))
    stopped, all_run = (grading.grade(Program(source, tests, run_all=run_all)) for run_all in (False, True))
    assert (stopped.verdict, stopped.failed, stopped.tests) == (Status.WA, 3, 4)
    assert (all_run.verdict, all_run.failed, all_run.share) == (Status.WA, 3, 0.5)


def test_all_asserts_run_where_the_share_counts(grading: Grading) -> None:
    tests = assert_tests("", "assert f(1) == 1\nassert f(2) == 3\nassert f('x') == 3\nassert f(3) == 3", "f")
    graded = grading.grade(Program(b"def f(x): return x + 0", tests, run_all=True))
    assert (graded.verdict, graded.passed, graded.tests) == (Status.WA, 2, 4)
    assert grading.grade(Program(b"def f(x): return x + 0", tests)).passed == 1


def test_after_a_limit_no_further_test_runs(grading: Grading) -> None:
    tests = tuple(StdinTest(b"", b"5") for _ in range(20))
    graded = grading.grade(Program(b"while True: pass", tests, Limits(cpu_seconds=0.5), run_all=True))
    assert graded.verdict == Status.TLE
    assert graded.cpu_seconds < 20 * 0.5


def test_calls_find_functions_and_methods_and_leetcode_names(grading: Grading) -> None:
    tests = (CallTest("f", ([3, 1],), [1, 3]),)
    for source in (
        b"def f(xs): return sorted(xs)", b"class Solution:\n    def f(self, xs: List[int]) -> List[int]: return sorted(xs)",
        b"f = sorted", b"from __future__ import annotations\ndef f(xs: List[int]): return tuple(sorted(xs))",
    ):  # fmt: skip
        assert grading.grade(Program(source, tests)).verdict == Status.AC
    assert grading.grade(Program(b"def g(xs): return xs", tests)).verdict == Status.RE


def test_a_program_of_ordinary_depth_is_not_cut_short(grading: Grading) -> None:
    source = b"def f(n): return 0 if n == 0 else 1 + f(n - 1)"
    assert grading.grade(Program(source, (CallTest("f", (980,), 980),))).verdict == Status.AC


def test_a_sleeping_program_is_idle_and_ends(grading: Grading) -> None:
    graded = grading.grade(Program(b"import time\ntime.sleep(1e6)", (StdinTest(b"", b""),), Limits(wall_seconds=1)))
    assert graded.verdict == Status.IDLE


def test_only_its_own_waiting_makes_a_program_idle(grading: Grading) -> None:
    slow_tests = assert_tests("", "import time\nassert f(1) == 5\ntime.sleep(2)\nassert f(1) == 5", "f")
    patient, asleep = (
        grading.grade(Program(source, slow_tests, Limits(wall_seconds=1)))
        for source in (b"def f(x): return 5", b"import time\ndef f(x): time.sleep(1e6)")
    )
    assert (patient.verdict, asleep.verdict, asleep.reruns) == (Status.AC, Status.IDLE, 0)
    assert asleep.wall_seconds < 10
