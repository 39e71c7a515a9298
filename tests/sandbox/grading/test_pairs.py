"""Twenty problems, each with a right program and a subtly wrong one, in every form of tests: all right ones pass, no wrong one does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.grading.grading import Grading
from sandbox.status import Status
from tasks.graders.program_rows import program_of

pytestmark = pytest.mark.heavy
CASES = Path(__file__).parents[2] / "cases" / "code_pairs.jsonl"
DOORS_FILE = CASES.with_name("code_doors.jsonl")
Pair = tuple[dict[str, Any], str, str]  # tests, the right program, the wrong one


def stdin(inputs: list[Any], outputs: list[Any], right: str, wrong: str) -> Pair:
    return {"inputs": inputs, "outputs": outputs}, right, wrong


def call(name: str, inputs: list[Any], outputs: list[Any], right: str, wrong: str) -> Pair:
    return {"inputs": inputs, "outputs": outputs, "fn_name": name}, right, wrong


def code(test: str, right: str, wrong: str, entry_point: str | None = None, prompt: str = "") -> Pair:
    return {"test": test, "entry_point": entry_point, "prompt": prompt}, right, wrong


BUFFER = "import sys\nout = []\nclass Out:\n    def write(self, text): out.append(text)\n    def flush(self):\n        sys.__stdout__.write(''.join(out)); out.clear()\nsys.stdout = Out()\n"
MEAN = "import statistics\nn = input()\nvalues = list(map(float, input().split()))\n"
SHAPE = "class Shape:\n    def __init__(self, w, h): self.w, self.h = w, h\n    def __eq__(self, other): return (self.w, self.h) == (other.w, other.h)\ndef double(s): return Shape(2 * s.w, {})"
STACK = "class Stack:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x)\n    def pop(self): return self.items.pop({})\n    def __len__(self): return len(self.items)"
WRAPS = "def twice(function):\n    def inner(*a, **k): return function(*a, **k) {}\n    return inner"
TEMPERATURE = "class TooCold(ValueError):\n    def __init__(self, degrees):\n        super().__init__(f'{degrees} is too cold')\n        self.degrees = HERE\ndef check(t):\n    if t < -273: raise TooCold(t)\n    return t"
POINT = (
    "from typing import NamedTuple\nclass Point(NamedTuple):\n    x: int\n    y: int\ndef mirrored(p): return Point({})"
)
PAIRS: dict[str, Pair] = {
    "buffered output": stdin(["3"], ["1\n2\n3\n"], f"{BUFFER}for i in range(1, int(input()) + 1): print(i)", f"{BUFFER}for i in range(int(input())): print(i)"),
    "lines as a list": stdin([["2", "7 8"]], [["15"]], "input(); print(sum(map(int, input().split())))", "input(); print(max(map(int, input().split())))"),
    "a mean": stdin(["3\n1 2 4\n"], ["2.3333333"], f"{MEAN}print(statistics.mean(values))", f"{MEAN}print(statistics.median(values))"),
    "exponents": stdin(["1"], ["1e-09"], "print('%.9f' % 1e-9)", "print('%.9f' % 2e-6)"),
    "carriage returns": stdin(["a\r\nb"], ["2"], "import sys\nprint(len(sys.stdin.readline().rstrip('\\n')))", "print(len(input().strip()))"),
    "many numbers": stdin(["200000"], [" ".join(map(str, range(200_000)))], "print(*range(int(input())))", "print(*range(int(input()) - 1), 0)"),
    "in place": call("rotate", [[[1, 2, 3], 1]], [[3, 1, 2]], "def rotate(a, k):\n    a[:] = a[-k:] + a[:-k]\n    return a", "def rotate(a, k):\n    a[:] = a[k:] + a[:k]\n    return a"),
    "a method": call("gcd", [[12, 18]], [6], "class Solution:\n    def gcd(self, a: int, b: int) -> int: return gcd(a, b)", "class Solution:\n    def gcd(self, a: int, b: int) -> int: return lcm(a, b)"),
    "arguments as lines": call("add", ["[1, 2]\n3"], ["[4, 5]"], "class Solution:\n    def add(self, a: List[int], k: int) -> List[int]: return list(map(lambda x: x + k, a))", "class Solution:\n    def add(self, a: List[int], k: int) -> List[int]: return a + [k]"),
    "long integers": call("power", [[7, 6000]], [7**6000], "def power(a, n): return a ** n", "def power(a, n): return a ** n + 1"),
    "plain asserts": code("assert f(3) == 6\nassert f(0) == 0", "def f(n): return n * (n + 1) // 2", "def f(n): return n * (n - 1) // 2", "f"),
    "a built-in name": code("assert sum(10, 15) == 6\nassert sum(4, 6) == 3", "def sum(a, b): return b - a + 1 if a > 5 else 3", "def sum(a, b): return a + b"),
    "constants": code("assert kind(1, 1) == EQUAL\nassert kind(1, 2) == LESS", "EQUAL, LESS = 0, 1\ndef kind(a, b): return EQUAL if a == b else LESS", "EQUAL, LESS = 0, 1\ndef kind(a, b): return LESS", "kind"),
    "objects": code("assert double(Shape(1, 2)) == Shape(2, 4)", SHAPE.format("2 * s.h"), SHAPE.format("s.h"), "double"),
    "a stack": code("s = Stack()\ns.push(1)\ns.push(2)\nassert s.pop() == 2 and len(s) == 1", STACK.format(""), STACK.format("0"), "Stack"),
    "a decorator": code("@twice\ndef add(a, b=1): return a + b\nassert add(1) == 4 and add(1, b=2) == 6", WRAPS.format("* 2"), WRAPS.format("+ 2"), "twice"),
    "an exception": code("try:\n    check(-300)\n    assert False\nexcept TooCold as error:\n    assert error.degrees == -300\nassert check(5) == 5", TEMPERATURE.replace("HERE", "degrees"), TEMPERATURE.replace("HERE", "abs(degrees)"), "check"),
    "unittest": code("import unittest\nclass TestIt(unittest.TestCase):\n    def test_one(self): self.assertEqual(f('ab'), 'ba')\n    def test_two(self):\n        with self.assertRaises(TypeError): f(5)\nunittest.main()", "def f(s): return s[::-1]", "def f(s): return str(s)[::-1]", "f"),
    "pytest": code("import pytest\n@pytest.mark.parametrize('n, wanted', [(1, 1), (4, 10)])\ndef test_it(n, wanted): assert f(n) == pytest.approx(wanted)\ndef test_out(capsys):\n    shout('a')\n    assert capsys.readouterr().out == 'A\\n'", "def f(n): return n * (n + 1) / 2\ndef shout(s): print(s.upper())", "def f(n): return n * (n + 1) / 2\ndef shout(s): print(s)", "f"),
    "named tuples": code("p = mirrored(Point(1, 2))\nassert (p.x, p.y) == (2, 1) and p == Point(2, 1)", POINT.format("p.y, p.x"), POINT.format("p.x, p.y"), "mirrored"),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_the_right_program_passes_and_the_wrong_one_does_not(grading: Grading, name: str) -> None:
    tests, right, wrong = PAIRS[name]
    good, bad = grading.grade_many([program_of({**tests, "program": source}) for source in (right, wrong)])
    assert (good.verdict, good.detail) == (Status.AC, "")
    assert bad.verdict != Status.AC


def test_there_are_twenty() -> None:
    assert len(PAIRS) == 20


def test_more_pairs_of_many_kinds(grading: Grading) -> None:
    """Programs as people write them, with what tests do to their objects, lists and output: tests/cases/code_pairs.jsonl."""
    pairs = [json.loads(line) for line in CASES.read_text().splitlines()]
    programs = [program_of({**pair, "program": pair[which]}) for pair in pairs for which in ("right", "wrong")]
    accepted = [one.verdict == Status.AC for one in grading.grade_many(programs)]
    assert [pair["kind"] for pair, right in zip(pairs, accepted[::2], strict=True) if not right] == []
    assert [pair["kind"] for pair, wrong in zip(pairs, accepted[1::2], strict=True) if wrong] == []


def test_what_looks_like_an_answer_is_none(grading: Grading) -> None:
    """Objects that equal everything, empty arrays, early ends, in all forms of tests; beside them what is like them and right (`accepted`)."""
    rows = [json.loads(line) for line in DOORS_FILE.read_text().splitlines()]
    programs = [program_of({key: row[key] for key in row if key not in ("kind", "accepted")}) for row in rows]
    found = [one.verdict for one in grading.grade_many(programs)]
    wrong = [
        f"{row['kind']}: {verdict}"
        for row, verdict in zip(rows, found, strict=True)
        if (verdict == Status.AC) != row.get("accepted", False) or verdict == Status.INFRA
    ]
    assert wrong == []


# What each rule that loosens must not let in: (tests, a program that does not solve them).
DOORS: dict[str, tuple[dict[str, Any], str]] = {
    "a name that the harness provides": ({"inputs": [[5]], "outputs": [120], "fn_name": "factorial"}, "# factorial"),
    "a name that the harness provides, asserted": ({"test": "assert gcd(12, 18) == 6", "entry_point": "gcd"}, "# gcd"),
    "a wrong method of such a name": ({"inputs": [[12, 18]], "outputs": [6], "fn_name": "gcd"}, "class Solution:\n    def gcd(self, a, b): return a"),
    "the prompt's stub": ({"prompt": "def f(x):\n    '''Nothing.'''\n", "test": "assert f(1) is None", "entry_point": "f"}, "def g(x): return x"),
    "a module with a name like the entry point": ({"test": "assert copy([1]) == [1]", "entry_point": "copy"}, "x = 1"),
    "a built-in of the tests": ({"test": "assert abs(f(1) - 5) < 1e-6", "entry_point": "f"}, "def abs(x): return 0\ndef f(x): return 4"),
    "constants that are all the same": ({"test": "assert f(1) == LEFT\nassert f(2) == RIGHT", "entry_point": "f"}, "LEFT = RIGHT = 0\ndef f(x): return 0"),
    "an object that forgets": ({"test": "assert f(1) == P(1, 2)", "entry_point": "f"}, "class P:\n    def __init__(self, *a): self.k = 0\n    def __eq__(self, o): return True\ndef f(x): return P()"),
    "an object that learns": ({"test": "assert f(1) == P(1, 2)", "entry_point": "f"}, "made = []\nclass P:\n    def __init__(self, a=0, b=0):\n        self.a, self.b = a, b\n        made.append(self)\n        for one in made: one.a, one.b = a, b\n    def __eq__(self, o): return True\ndef f(x): return P()"),
    "an object asked for after the outcome": ({"test": "assert P(1, 2) == f(1)", "entry_point": "f"}, "last = None\nclass P:\n    def __init__(self, a=0, b=0):\n        global last\n        self.a, self.b = a, b\n        last = self\n    def __eq__(self, o): return True\ndef f(x): return last"),
    "a lying order": ({"test": "assert f(1) < f(2)", "entry_point": "f"}, "class L:\n    def __lt__(self, o): return True\n    __gt__ = __lt__\ndef f(x): return L()"),
    "a lying difference": ({"test": "assert abs(f(1) - 5) < 1e-6", "entry_point": "f"}, "class L:\n    def __sub__(self, o): return 0\n    def __abs__(self): return 0\ndef f(x): return L()"),
    "a class in place of a number": ({"test": "assert f(1) == 5", "entry_point": "f"}, "class M(type):\n    def __eq__(self, o): return True\n    __hash__ = type.__hash__\nclass L(metaclass=M): pass\ndef f(x): return L"),
    "an exception that says it is another": ({"test": "try:\n    f(1)\n    assert False\nexcept KeyError:\n    assert f(2) == 2", "entry_point": "f"}, "class L(Exception): __class__ = KeyError\ndef f(x):\n    if x == 1: raise L\n    return 2"),
    "later arguments": ({"test": "assert f('ab') == 'secret'\nassert g('secret') == 'ab'", "entry_point": "f"}, "import gc\ndef f(x): return next((s for c in gc.get_objects() if type(c) in (list, tuple) for s in c if type(s) is str and s[::-1] == 'terces'), '')\ndef g(x): return 'ab'"),
    "answers that it writes itself": ({"test": "assert f(1) == 5\nassert f(2) == 6", "entry_point": "f"}, "import os, struct\nfor body in (b'R', b'Vi\\1\\0\\0\\0\\4', b'Vi\\1\\0\\0\\0\\4'): os.write(4, struct.pack('>I', len(body)) + body)\nos._exit(0)"),
    "a generator that never ends": ({"test": "assert list(f(1)) == [1]", "entry_point": "f", "cpu_seconds": 1}, "def f(x):\n    while True: yield x"),
    "frames of a test's function": ({"test": "SECRET = 123456789\ndef g(x): return x\nassert f(g) == SECRET", "entry_point": "f"}, "def f(g):\n    for name in ('__globals__', '__code__', 'gi_frame', '__closure__', '__self__', '__dict__'):\n        try: return getattr(g, name)['SECRET']\n        except Exception: pass\n    return 0"),
    "the globals of a test's object": ({"test": "SECRET = 123456789\nclass Db:\n    def get(self): return 1\nassert f(Db()) == SECRET", "entry_point": "f"}, "def f(db):\n    for path in ('get.__func__', '__class__', 'get.__globals__', '__init__', '__dict__'):\n        try:\n            x = db\n            for part in path.split('.'): x = getattr(x, part)\n            return x['SECRET']\n        except Exception: pass\n    return db.get()"),
    "an endless use of a test's function": ({"test": "assert f(lambda: 1) == 5", "entry_point": "f"}, "def f(g):\n    while True: g()"),
}  # fmt: skip


@pytest.mark.parametrize("name", DOORS)
def test_what_a_loosened_rule_must_not_let_in(grading: Grading, name: str) -> None:
    tests, program = DOORS[name]
    graded = grading.grade(program_of({**tests, "program": program}))
    assert graded.verdict not in (Status.AC, Status.INFRA)
    assert graded.wall_seconds < 60
