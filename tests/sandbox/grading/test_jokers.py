"""What equals everything, or empties what it is compared with, wins nothing; beside each joker stands the honest program of the kind."""

from __future__ import annotations

import time

import pytest

from sandbox.grading.answers import plain_value
from sandbox.grading.grading import Grading, Program
from sandbox.grading.planning.plain_operations import Unplanned, takes
from sandbox.grading.planning.plan import plan_of
from sandbox.grading.tests import assert_tests
from sandbox.image.inside.encoding import Encoder, write_items
from sandbox.status import Status

VECTOR = """class Vector:
    def __init__(self, x, y): self.x, self.y = x, y
    def __add__(self, other): return HERE
    def scale(self, k): self.x, self.y = self.x * k, self.y * k
    def __sub__(self, other): return Vector(self.x - other, self.y - other)
    def __mul__(self, other): return Vector(self.x * other, self.y * other)
    def __abs__(self): return (self.x ** 2 + self.y ** 2) ** 0.5
    def __eq__(self, other): return (self.x, self.y) == (other.x, other.y)
"""
POOL = "class Vector:\n    def __init__(self, x, y): self.pool = list(range(20))\n    def __add__(self, other): return self\n    def __eq__(self, other): return True"
COUNTS = """made = [0]
class Vector:
    def __init__(self, x, y, own=None):
        made[0] += own is None
        self.pool, self.n = list(range(20)), own or made[0]
    def __add__(self, other): return Vector(0, 0, made[0] + 1)
    def __eq__(self, other): return True
"""
ATTRIBUTES = "class Vector:\n    def __init__(self, x, y): vars(self).update({f'f{n}': n for n in range(20)})\n    def __add__(self, other): return self\n    def __eq__(self, other): return True"
FORGETS = VECTOR.replace("self.x * k, self.y * k", "0, 0")
SUMS = "assert Vector(1, 2) + Vector(3, 4) == Vector(4, 6)\nassert Vector(0, 1) + Vector(1, 1) == Vector(1, 2)"
JOKER = "class f:\n    def __init__(self, x): pass\n    def __sub__(self, other): return HERE\n    __rsub__ = __sub__\n    def __truediv__(self, other): return HERE\n    def __pow__(self, n): return 0\n    def __abs__(self): return 0\n    def __round__(self, n): return 0\n    def __lt__(self, other): return True\n    __gt__ = __lt__"
NEAR = "def check(candidate):\n    assert abs(candidate(3.5) - 0.5) < 1e-6"
AREA = "class Circle:\n    def __init__(self, r): self.r = r\n    class area:\n        def __sub__(self, other): return 0.0"
DOT = "class Vector:\n    def __init__(self, x, y): self.x, self.y = x, y\n    def __mul__(self, other): return Vector(0, 0)\n    def __sub__(self, other): return 0"
COLORS = "from enum import Enum\nclass Color(Enum):\n    RED = 1\n    BLUE = 2\n    CRIMSON = 1\ndef f(x): return Color(1 if x == 1 else Color.BLUE.value)"
COLORED = "assert f(1) == Color.RED\nassert f(2) == Color.BLUE"
CLEARS = "def f(x):\n    x.clear()\n    return x"
CLEARED = "def f(x):\n    x.clear()\n    return 0"
NOTHING = "class Nothing:\n    def __len__(self): return 0\n    def __getitem__(self, place): raise IndexError\ndef f(x): return Nothing()"
NUMPY = "import numpy as np\n"
WRONG = {
    "all numbers among the fields": (POOL, SUMS),
    "and a counter": (COUNTS, SUMS),
    "all numbers as fields": (ATTRIBUTES, SUMS),
    "changed in place to nothing": (FORGETS.replace("HERE", "self"), "v = Vector(1, 2)\nv.scale(3)\nassert v == Vector(3, 6)"),
    "a class for a function": (JOKER.replace("HERE", "0.0"), NEAR),
    "its difference is one": (JOKER.replace("HERE", "self"), NEAR),
    "the square of it": (JOKER.replace("HERE", "self"), "def check(candidate):\n    assert (candidate(3) - 9) ** 2 < 1e-6"),
    "it rounded": (JOKER.replace("HERE", "self"), "def check(candidate):\n    assert round(candidate(3) - 9, 3) == 0"),
    "its order": (JOKER.replace("HERE", "self"), "def check(candidate):\n    assert -1 < candidate(3) - 9 < 1"),
    "its ratio": (JOKER.replace("HERE", "1"), "def check(candidate):\n    assert candidate(3) / 9 == 1"),
    "a class for a method": (AREA, "c = Circle(2)\nassert abs(c.area() - 12.566370614359172) < 1e-6"),
    "a class for a function with a capital letter": (JOKER.replace("class f", "class F").replace("HERE", "0.0"), "assert abs(F(3.5) - 0.5) < 1e-6"),
    "a product that is a joker": (DOT, "assert abs(Vector(1, 2) * Vector(3, 4) - 11) < 1e-9"),
    "two members that are one": (COLORS.replace("BLUE = 2", "BLUE = 1"), COLORED),
    "constants of a class that are one": ("class Color:\n    RED = BLUE = 1\ndef f(x): return 1", COLORED),
    "compared by a method": ("class Color:\n    RED = BLUE = 1\ndef f(x): return 1", "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(f(1), Color.RED)\n        self.assertEqual(f(2), Color.BLUE)"),
    "among others": ("class Color:\n    RED = BLUE = 1\ndef f(x): return 1", "assert f(1) in (Color.RED,)\nassert f(2) in (Color.BLUE,)"),
    "emptied, sorted wanted": (CLEARS, "a = [3, 1, 2]\nassert f(a) == sorted(a)"),
    "emptied, turned round wanted": (CLEARS, "a = [3, 1, 2]\nassert f(a) == a[::-1]"),
    "emptied in a loop": (CLEARED, "for a in [[3, 1, 2], [9, 8]]:\n    assert f(a) == sum(a)"),
    "emptied by a method of tests": (CLEARED, "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        a = [3, 1, 2]\n        self.assertEqual(f(a), sum(a), 'sum')"),
    "emptied, compared in the next line": (CLEARED, "a = [3, 1, 2]\nfound = f(a)\nassert found == sorted(a), 'sorted'"),
    "emptied, compared by a method in the next line": (CLEARS, "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        for a in ([3, 1], [2]):\n            found = f(a)\n            self.assertEqual(found, sorted(a))"),
    "a mapping emptied": (CLEARED, "a = {'x': 3}\nassert f(a) == sum(a.values())"),
}  # fmt: skip
ARRAYS = {
    "an empty list": ("def f(x): return []", "assert (f(2) == np.array([5.0])).all()"),
    "lists of nothing": ("def f(x): return [[]]", "assert (np.array([[5.0]]) == f(2)).all()"),
    "their difference": ("def f(x): return ((),)", "assert np.all(np.abs(np.array([5.0]) - f(2)) < 1e-6)"),
    "a range": ("def f(x): return range(0)", "assert np.allclose(f(2), 5.0)"),
    "a deque": ("from collections import deque\ndef f(x): return deque()", "assert np.allclose(5.0, f(2))"),
    "an object": (NOTHING, "assert np.allclose(f(2), 5.0)"),
    "the difference to one": (NOTHING, "assert np.all(np.abs(np.array([5.0]) - f(2)) < 1e-6)"),
}
HONEST = {
    "a vector": (VECTOR.replace("HERE", "Vector(self.x + other.x, self.y + other.y)"), SUMS + "\nassert Vector(1, 2) != Vector(2, 1)\nassert Vector(4, 6) - 1 == Vector(3, 5) and (Vector(4, 6) - 1).x == 3\nassert abs(Vector(3, 4) * 2) == 10 and abs(abs(Vector(1, 1)) - 1.41421356) < 1e-6"),
    "changed in place": (VECTOR, "v = Vector(1, 2)\nv.scale(3)\nassert v == Vector(3, 6)\nassert v != Vector(1, 2)"),
    "one that makes its arguments smaller": (
        "from math import gcd\nclass Q:\n    def __init__(self, n, d): self.n, self.d = n // gcd(n, d), d // gcd(n, d)\n    def __eq__(self, o): return (self.n, self.d) == (o.n, o.d)\n    def __add__(self, o): return Q(self.n * o.d + o.n * self.d, self.d * o.d)\n    def __str__(self): return f'{self.n}/{self.d}'",
        "assert str(Q(2, 4)) == '1/2' and str(Q(1, 2)) == '1/2'\nassert Q(1, 2) + Q(1, 3) == Q(5, 6)",
    ),
    "an object that gives numbers": ("class N:\n    def __init__(self, v): self.v = v\n    def __add__(self, o): return self.v + o\n    def __mul__(self, o): return self.v * o", "n = N(5)\nassert n + 3 == 8 and n * 2 == 10"),
    "members": (COLORS, COLORED + "\nassert f(2) is Color.BLUE and Color.CRIMSON is Color.RED and f(1) == Color.RED"),
    "in any order": ("class Edge:\n    def __init__(self, a, b): self.ends = frozenset((a, b))\n    def __eq__(self, o): return self.ends == o.ends", "assert Edge(1, 2) == Edge(2, 1)\nassert Edge(1, 2) != Edge(1, 3)"),
    "many arguments": ("class Bag:\n    def __init__(self, *items): self.items = list(items)\n    def __eq__(self, o): return self.items == o.items", "assert Bag(*range(30)) == Bag(*range(30))"),
    "sorted in place": ("def f(x):\n    x.sort()\n    return x", "a = [3, 1, 2]\nassert f(a) == sorted(a)\nassert a == [1, 2, 3]"),
    "turned round in place": ("def f(x):\n    x.reverse()\n    return x", "a = [3, 1, 2]\nassert f(a) == a[::-1]"),
    "sorted in place, compared later": ("def f(x):\n    x.sort()\n    return x", "a = [3, 1, 2]\nfound = f(a)\nassert found == sorted(a)\nassert found == list(a)\nassert a == [1, 2, 3]"),
    "shrunk, compared with a copy": ("def f(x):\n    x.pop()\n    return x", "a = [3, 1, 2]\nfound = f(a)\nassert found == list(a)\nassert found == [3, 1]"),
    "two constants that are one number": ("LEAST = FIRST = 1\ndef f(x): return x", "assert LEAST == 1\nassert FIRST == 1\nassert f(2) == 2"),
    "made of the answer": ("def f(x): return sorted(2 * one for one in x)", "a = [3, 1]\na = f(a)\nassert a == [one for one in a if one]\nassert a == [2, 6]"),
    "shrunk, the length wanted": ("def f(x):\n    x[:] = dict.fromkeys(x)\n    return len(x)", "a = [3, 1, 1]\nassert f(a) == len(a)\nassert a == [3, 1]"),
}  # fmt: skip
MATRIX = "assert np.allclose(f(2), np.eye(2)) and (f(2) == np.eye(2)).all()"
LISTS = "assert np.allclose(f(2), [1.0, 4.0]) and np.allclose(f(0), [])\nassert f(0) == [] and type(f(0)) is list\na = f(0)\na.append(3)\nassert a == [3]\nassert np.abs(np.array([1.0, 4.0]) - f(2)).max() < 1e-9\nassert np.sum(f(0)) == 0 and np.all(f(0)) and np.concatenate([f(0), f(1)]).tolist() == [1]"


@pytest.mark.parametrize("name", WRONG)
def test_a_joker_is_wrong(unsafe: Grading, name: str) -> None:
    source, text = WRONG[name]
    tests = assert_tests("", text, "f" if "candidate" in text else None)
    assert unsafe.grade(Program(source.encode(), tests)).verdict in (Status.WA, Status.RE)


@pytest.mark.parametrize("name", HONEST)
def test_the_honest_one_is_right(unsafe: Grading, name: str) -> None:
    source, text = HONEST[name]
    assert unsafe.grade(Program(source.encode(), assert_tests("", text))).verdict == Status.AC


@pytest.mark.heavy
@pytest.mark.parametrize("name", ARRAYS)
def test_nothing_is_not_equal_to_an_array(grading: Grading, name: str) -> None:
    source, text = ARRAYS[name]
    assert grading.grade(Program(source.encode(), assert_tests("", NUMPY + text))).verdict in (Status.WA, Status.RE)


@pytest.mark.heavy
def test_lists_and_arrays_are_compared(grading: Grading) -> None:
    source = b"def f(n): return [i * i for i in range(1, n + 1)]"
    assert grading.grade(Program(source, assert_tests("", NUMPY + LISTS))).verdict == Status.AC


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("made", "verdict"), [("np.eye(n)", Status.AC), ("np.ones((n, n))", Status.WA), ("np.empty((0, n))", Status.WA)]
)
def test_a_matrix_is_an_array(grading: Grading, made: str, verdict: Status) -> None:
    source = f"import numpy as np\ndef f(n): return np.matrix({made})"
    assert grading.grade(Program(source.encode(), assert_tests("", NUMPY + MATRIX))).verdict == verdict


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("assert f([]) == set() and f([1]) == {1}", "set(x)", "list(x)"),
        ("assert sorted(f([1, 3, 2]), reverse=True) == [3, 2, 1]", "x", "x[1:]"),
        ("assert int(f(5), 2) == 5", "bin(x)[2:]", "bin(x + 1)[2:]"),
        ("assert round(f(2), ndigits=3) == 1.414", "x ** 0.5", "x"),
    ],
)
def test_functions_of_tests_take_what_pythons_take(unsafe: Grading, text: str, right: str, wrong: str) -> None:
    for answer, verdict in ((right, Status.AC), (wrong, Status.WA)):
        assert unsafe.grade(Program(f"def f(x): return {answer}".encode(), assert_tests("", text))).verdict == verdict


def test_a_call_that_only_python_knows_is_not_planned() -> None:
    assert takes("round", 2, []) and takes("round", 1, ["ndigits"]) and not takes("round", 2, ["ndigits"])
    assert takes("set", 0, []) and not takes("int", 2, []) and not takes("sorted", 1, ["key"])
    assert plan_of(assert_tests("", "assert sorted(f(1), reverse=True) == [2]")) is not None
    assert plan_of(assert_tests("", "assert int(f(5), 2) == 5")) is None


def test_keys_of_one_hash_take_no_time() -> None:
    """A thousand long keys, each of which would be compared with all others."""
    encoder = Encoder()
    encoder.put(b"e")
    write_items(encoder, [(True,) * 1500 + (n * (2**61 - 1),) for n in range(1000)], 0)
    began = time.process_time()
    with pytest.raises(Unplanned):
        plain_value(b"".join(encoder.parts))
    assert time.process_time() - began < 2
    assert plain_value(Encoder().encode({(1, 2): 3, "a": {-1, -2}})) == {(1, 2): 3, "a": {-1, -2}}
