"""What tests ask of an object of the program beside its methods: its class, fields, copies, conversions and orders. Each with a program that is wrong."""

from __future__ import annotations

import pytest

from sandbox.grading.grading import Grading, Program
from sandbox.grading.tests import assert_tests
from sandbox.status import Status

POINT = "class P:\n    def __init__(self, x, y=0): self.x, self.y = x, y\nclass Other(P): pass\ndef f(x): return HERE\n"
RANGE = "class R:\n    def __init__(self, n): self.n = n\n    def __iter__(self): return iter(range(self.n))\n    def __len__(self): return self.n\n    def __reversed__(self): return iter(HERE)\n"
WITH = "class P:\n    def __init__(self, x): self.x = x\n    HERE\n"
CASES = {
    "the name of its class": (POINT, "P(x)", "Other(x)", "p = f(1)\nassert p.__class__.__name__ == 'P' and type(p).__name__ == 'P'"),
    "its class": (POINT, "P(x)", "Other(x)", "p = f(1)\nassert type(p) is P and p.__class__ == P and type(p) != Other"),
    "the class of a value": (POINT, "float(x)", "x", "assert type(f(1)) is float and f(1).__class__ is float"),
    "its fields": (POINT, "P(x)", "P(x, x)", "assert vars(f(1)) == {'x': 1, 'y': 0} and f(1).__dict__ == {'x': 1, 'y': 0}"),
    "a deep copy": (POINT, "P([x])", "P((x,))", "import copy\np = f(1)\nq = copy.deepcopy(p)\nq.x.append(2)\nassert p.x == [1] and q.x == [1, 2]"),
    "a copy": (POINT, "P(x)", "P", "import copy\np = f(1)\nq = copy.copy(p)\nassert q is not p\nq.x = 3\nassert p.x == 1 and q.x == 3"),
    "callable or not": (POINT, "P(x)", "P", "assert callable(f) and not callable(f(1))"),
    "bases": (POINT, "P(x)", "None", "assert Other.__bases__ == (P,) and Other.__mro__[1] is P and f(1).x == 1"),
    "annotations": ("def f(a: int, b: str = 'x') -> bool: return HERE\n", "True", "False", "assert f.__annotations__ == {'a': int, 'b': str, 'return': bool}\nassert f.__defaults__ == ('x',) and f(1) is True"),
    "reversed": (RANGE, "range(self.n - 1, -1, -1)", "range(self.n)", "r = R(3)\nassert list(reversed(r)) == [2, 1, 0] and list(r) == [0, 1, 2]"),
    "format": (WITH, "def __format__(self, how): return format(self.x, how)", "def __format__(self, how): return str(self.x)", "assert f'{P(3):.1f}' == '3.0' and '{:>4}'.format(P(7)) == '   7'"),
    "divmod": (WITH, "def __divmod__(self, n): return self.x // n, self.x % n", "def __divmod__(self, n): return self.x % n, self.x // n", "assert divmod(P(7), 2) == (3, 1)"),
    "shifts": (WITH, "def __lshift__(self, n): return P(self.x << n)", "def __lshift__(self, n): return P(self.x * n)", "assert (P(1) << 3).x == 8"),
    "rounding": (WITH, "def __floor__(self): return int(self.x)", "def __floor__(self): return int(self.x) + 1", "import math\nassert math.floor(P(2.5)) == 2"),
    "bytes": (WITH, "def __bytes__(self): return b'x' * self.x", "def __index__(self): return self.x", "assert bytes(P(2)) == b'xx'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_asked_of_an_object_is_what_it_says_in_one_process(unsafe: Grading, case: str) -> None:
    program, right, wrong, text = CASES[case]
    tests = assert_tests("", text)
    found = [unsafe.grade(Program(program.replace("HERE", one).encode(), tests)).verdict for one in (right, wrong)]
    assert found[0] == Status.AC
    assert found[1] in (Status.WA, Status.RE)


@pytest.mark.parametrize("name", ["type", "callable"])
def test_a_function_of_the_program_with_such_a_name_is_the_programs(unsafe: Grading, name: str) -> None:
    program = Program(f"def {name}(x): return x + 1".encode(), assert_tests("", f"assert {name}(1) == 2", name))
    assert unsafe.grade(program).verdict == Status.AC


def test_an_object_that_lies_about_its_class_equals_no_value(unsafe: Grading) -> None:
    program = "class P:\n    @property\n    def __class__(self): return int\n    def __eq__(self, other): return True\ndef f(): return P()"
    tests = assert_tests("", "x = f()\nassert x == 3 and type(x) is int")
    assert unsafe.grade(Program(program.encode(), tests)).verdict == Status.WA
