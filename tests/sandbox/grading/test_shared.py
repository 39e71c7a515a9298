"""Lists, sets and mappings that the tests and the program both hold are one object, as in one process; what the tests expect stays with them."""

from __future__ import annotations

import pytest

from sandbox.grading.grading import Grading, Program
from sandbox.grading.tests import assert_tests
from sandbox.status import Status

QUEUE = "class Q:\n    def __init__(self, items=None): self.items = [] if items is None else items\n    def push(self, x): self.items.append(x)\n    def pop(self): return self.items.pop(0)\n    def all(self): return self.items\n"
LOG = "log = None\ndef register(to):\n    global log\n    log = to\ndef emit(x=0): log.append(x)\ndef last(): return log[-1]\n"
BUFFER = "buffer = []\ndef f(n):\n    buffer[:] = range(n)\n    return buffer\n"
HOLDS = {
    "a list of an object, which goes on with it": (QUEUE, "q = Q()\na = q.items\nq.push('hello')\nassert a == ['hello']"),
    "one that a method returned": (QUEUE, "q = Q()\na = q.all()\nq.push(1)\nq.push(2)\nassert a == [1, 2]"),
    "one that an object was made of": (QUEUE, "a = []\nq = Q(a)\nq.push('hello')\nassert a == ['hello']"),
    "it is the same": (QUEUE, "a = [1]\nq = Q(a)\nassert q.items is a and q.all() is a"),
    "the tests go on with a list of the program": (QUEUE, "q = Q()\nq.items.append(7)\nassert q.pop() == 7"),
    "the tests go on with it again and again": (QUEUE, "q = Q()\nfor i in range(12): q.items.append(i)\nassert [q.pop() for _ in range(12)] == [*range(12)]"),
    "the tests go on with their own list": (QUEUE, "a = [1]\nq = Q(a)\na.append(2)\nq.pop()\nassert q.pop() == 2 and a == []"),
    "it was emptied": (QUEUE, "q = Q([5])\na = q.items\nq.pop()\nassert a == []"),
    "a list that is kept by the module": (LOG, "a = []\nregister(a)\nemit(1)\nemit()\nassert a == [1, 0]"),
    "the tests change it there": (LOG, "a = []\nregister(a)\na.append(9)\nassert last() == 9"),
    "given twice": ("seen = []\ndef f(a):\n    seen.append(a)\n    return any(a is b for b in seen[:-1])\n", "a = [1]\nassert not f(a)\nassert f(a)\nassert not f([1])"),
    "given twice, changed by the program": ("def f(a):\n    a.append(len(a))\n    return len(a)\n", "a = [1]\nassert f(a) == 2\nassert f(a) == 3\nassert a == [1, 1, 2]"),
    "given twice, changed by the tests": ("def f(a):\n    a.append(len(a))\n    return len(a)\n", "a = [1]\nassert f(a) == 2\na.clear()\nassert f(a) == 1\nassert a == [0]"),
    "within another": ("grid = []\ndef board(n):\n    grid[:] = [[0] * n for _ in range(n)]\n    return grid\ndef mark(r, c): grid[r][c] = 1\n", "g = board(2)\nrow = g[1]\nmark(1, 0)\nassert g == [[0, 0], [1, 0]] and row == [1, 0] and g[1] is row"),
    "a mapping and a set": ("d, s = {}, set()\ndef both(): return d, s\ndef add(k):\n    d[k] = 1\n    s.add(k)\n", "d, s = both()\nadd('a')\nassert d == {'a': 1} and s == {'a'}"),
    "a constant": ("TABLE = [1, 2]\ndef grow(): TABLE.append(3)\n", "t = TABLE\ngrow()\nassert t == [1, 2, 3] and t is TABLE"),
    "in a callback": ("kept = []\ndef each(f, xs):\n    kept.append(xs)\n    for x in list(xs): f(x)\n    xs.append(0)\n", "a, b = [1, 2], []\neach(b.append, a)\nassert a == [1, 2, 0] and b == [1, 2]"),
    "many of them": ("def f(n): return [n, [n]]\n", "xs = [f(i) for i in range(50)]\nassert xs == [[i, [i]] for i in range(50)]"),
    "thousands, and many changed": ("def f(n): return [[i + 1, i] for i in range(n)]\ndef g(rows):\n    for row in rows: row.sort()\n", "r = f(5000)\ns = [[2, 1] for _ in range(5000)]\ng(s)\nassert r[-1] == [5000, 4999] and all(row == [1, 2] for row in s)"),
    "the tests go on with one that has become large": (QUEUE + "def size(q): return len(q.items)\n", "q = Q()\na = q.items\nfor i in range(200): q.push(i)\na.append(7)\nassert size(q) >= 200"),
    "one that holds itself": ("def is_cyclic(a): return any(one is a for one in a)\n", "a = []\na.append(a)\nassert is_cyclic(a) and not is_cyclic([a])"),
    "a class of the tests": ("def f(a): a.append(1)\n", "class L(list): pass\nx = L([1])\nf(x)\nassert x == [1, 1] and type(x) is L"),
    "a large one": ("def f(a):\n    a.append(1)\n    return a\n", "a = list(range(5000))\nb = f(a)\nassert b is a and len(a) == 5001\nc = f(a)\nassert c is a and len(a) == 5002"),
}  # fmt: skip
WAITS = "kept, theirs = [], None\ndef f(n): return kept\ndef g(shown):\n    global theirs\n    theirs = shown\n    return True\ndef h():\n    if theirs: kept[:] = theirs\n    return 0\n"
DOES_NOT_HOLD = {
    "an answer that is filled in one operation after it was shown": (WAITS, "a = f(3)\nassert g([0, 1, 2])\nassert h() == 0\nassert a == [0, 1, 2]"),
    "one buffer for all answers": (BUFFER, "a = f(3)\nb = f(2)\nassert a == [0, 1, 2] and b == [0, 1]"),
    "one default for all calls": ("def f(x, to=[]):\n    to.append(x)\n    return to\n", "a = f(1)\nb = f(2)\nassert a == [1] and b == [2]"),
    "the argument is kept": ("class S:\n    def __init__(self, items): self.items = items\n    def add(self, x): self.items.append(x)\n", "a = [1]\ns = S(a)\ns.add(2)\nassert a == [1]"),
    "a copy where the list is meant": ("class Q:\n    def __init__(self): self._items = []\n    def push(self, x): self._items.append(x)\n    @property\n    def items(self): return list(self._items)\n", "q = Q()\na = q.items\nq.push(1)\nassert a == [1]"),
    "an answer that is filled in when it was shown": ("kept = []\ndef f(n): return kept\ndef g(shown):\n    kept[:] = shown\n    return True\n", "a = f(3)\nassert g([0, 1, 2])\nassert a == [0, 1, 2]"),
    "shown by a list of the tests": ("kept, theirs = [], []\ndef f(n): return kept\ndef keep(a):\n    global theirs\n    theirs = a\ndef g(): kept[:] = theirs\n", "b = []\nkeep(b)\na = f(3)\nb.extend([0, 1, 2])\ng()\nassert a == [0, 1, 2]"),
    "an argument that is filled in when it was shown": ("def fill(a):\n    global kept\n    kept = a\ndef g(shown): kept[:] = shown\n", "a = []\nfill(a)\ng([0, 1, 2])\nassert a == [0, 1, 2]"),
    "shown, and handed out again": ("kept = []\ndef f(n): return kept\ndef g(shown):\n    kept[:] = shown\n    return kept\n", "a = f(3)\nb = g([0, 1, 2])\nassert b == [0, 1, 2]\nassert a == [0, 1, 2]"),
}  # fmt: skip


def verdict(grading: Grading, program: str, tests: str) -> Status:
    return grading.grade(Program(program.encode(), assert_tests("", tests))).verdict


@pytest.mark.parametrize("case", HOLDS)
def test_one_object_on_both_sides(unsafe: Grading, case: str) -> None:
    assert verdict(unsafe, *HOLDS[case]) == Status.AC


@pytest.mark.parametrize("case", DOES_NOT_HOLD)
def test_what_does_not_hold_in_one_process_or_was_shown_does_not_hold_here(unsafe: Grading, case: str) -> None:
    assert verdict(unsafe, *DOES_NOT_HOLD[case]) == Status.WA
