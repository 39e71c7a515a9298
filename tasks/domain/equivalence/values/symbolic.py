"""SymPy's word on two answers: trees become SymPy objects node by node (no text is ever given to it), and it looks for a proof.

It runs where grading runs, in processes that are killed from outside; inside, an attempt ends at TIME_LIMIT_S. What it does
not prove within that is unknown, never false.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Any

from tasks.domain.equivalence.nodes import Node, walk
from tasks.domain.loading import Library, loading

sympy: Any = Library("sympy")  # two seconds, and most answers need none of it

TIME_LIMIT_S, BUDGET_S = 0.6, 1.2  # of processor time: for one question, for all of one pair of answers
MAX_NODES = 150
MAX_NUMBER_BITS = 600
MAX_EXPONENT = 64  # of a power that may be expanded


class NoCounterpart(Exception):
    """The tree has parts that are not converted."""


class OutOfTime(BaseException):
    """Raised by the timer; no `except Exception` inside SymPy may swallow it."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """OutOfTime after this much processor time (a busy machine changes no verdict). Timers work in a main thread only: elsewhere there is no attempt at all."""
    if seconds <= 0 or threading.current_thread() is not threading.main_thread():
        raise OutOfTime

    def ring(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 0.1)  # again, where a callback swallowed the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


class _Spent(threading.local):
    seconds = 0.0


_spent = _Spent()


def new_pair() -> None:
    """A new pair of answers has the whole budget."""
    _spent.seconds = 0.0


@lru_cache(maxsize=1)
def warm_up() -> None:
    """Load SymPy. It builds tables at the first question of a kind, which takes as long as a hard question; no pair pays for it."""
    with loading():
        x = sympy.Symbol("x", real=True)
        sympy.solveset(sympy.Abs(x - 1) < 2, x, sympy.S.Reals).symmetric_difference(sympy.Interval.open(-1, 3))
        vanishes(sympy.sin(2 * x) - 2 * sympy.sin(x) * sympy.cos(x))
        sympy.simplify(sympy.sin(x) ** 2 + sympy.cos(x) ** 2 - 1)


def attempt(question: Callable[[], bool | None]) -> bool | None:
    """The answer to a question to SymPy; None when it has none in time, or fails."""
    warm_up()
    started = time.process_time()
    try:
        with limited(min(TIME_LIMIT_S, BUDGET_S - _spent.seconds)):
            return question()
    except OutOfTime:
        return None
    except Exception:  # noqa: BLE001 - SymPy boundary: whatever it raises on odd input means that it proved nothing
        return None
    finally:
        _spent.seconds += time.process_time() - started


@lru_cache(maxsize=4096)
def proves_equal(
    one: Node,
    two: Node,
    degrees: tuple[bool, bool] = (True, True),
    log10: bool = False,
    whole: frozenset[str] = frozenset(),
) -> bool | None:
    """Whether the difference of two expressions is zero for all real (or, for `whole`, whole) values of their symbols."""
    if not fits(one) or not fits(two):
        return None

    def question() -> bool | None:
        left, right = (
            Conversion(whole, degree, log10).expression(side) for side, degree in zip((one, two), degrees, strict=True)
        )
        return vanishes(left - right)

    return attempt(question)


@lru_cache(maxsize=1024)
def proves_equal_beyond(one: Node, two: Node) -> bool | None:
    """Whether two expressions of a letter `distance` are equal for all its positive values."""
    if not fits(one) or not fits(two):
        return None

    def question() -> bool | None:
        convert = Conversion()
        difference = convert.expression(one) - convert.expression(two)
        positive = convert.sympy.Symbol("distance", positive=True)
        return vanishes(difference.subs(convert.symbol("distance"), positive))

    return attempt(question)


@lru_cache(maxsize=1024)
def proves_same_solutions(one: Node, two: Node) -> bool | None:
    """Whether two descriptions of sets of reals (inequalities, intervals, unions, builders) in one letter are one set."""
    if not fits(one) or not fits(two):
        return None

    def question() -> bool | None:
        convert = Conversion()
        left, right = convert.reals(one), convert.reals(two)
        return left == right or left.symmetric_difference(right).is_empty

    return attempt(question)


def fits(node: Node) -> bool:
    """Decide whether a tree is small enough for SymPy to be asked at all."""
    parts = list(walk(node))
    return len(parts) <= MAX_NODES and all(map(_is_small, parts))


def _is_small(part: Node) -> bool:
    if part.op == "num":
        return max(part.value.numerator.bit_length(), part.value.denominator.bit_length()) <= MAX_NUMBER_BITS
    return not (part.op == "pow" and part.args[1].op == "num" and abs(part.args[1].value) > MAX_EXPONENT)


def vanishes(difference: Any) -> bool | None:
    """Whether an expression is zero: by SymPy's assumptions, else after the rewriting that its functions call for."""
    if difference.is_zero is not None:
        return bool(difference.is_zero)
    for rewrite in (
        sympy.expand,
        lambda d: sympy.expand(d.rewrite(sympy.exp)),  # sums and products of angles cancel as exponentials
        lambda d: sympy.expand_log(sympy.expand(d)),
        lambda d: sympy.expand(sympy.expand_trig(sympy.expand(d))),
        lambda d: sympy.trigsimp(sympy.radsimp(d)),
        sympy.simplify,
    ):
        rewritten = rewrite(difference)
        if rewritten == 0:
            return True
    return None


class Conversion:
    """Trees as SymPy expressions. `whole`: letters of whole numbers; the others are real."""

    def __init__(self, whole: frozenset[str] = frozenset(), degrees: bool = True, log10: bool = False) -> None:
        self.sympy, self.whole, self.degrees, self.log10 = sympy, whole, degrees, log10

    def symbol(self, name: str) -> Any:
        return self.sympy.Symbol(name, integer=True) if name in self.whole else self.sympy.Symbol(name, real=True)

    def expression(self, node: Node) -> Any:
        """NoCounterpart for what is no expression."""
        convert = _CONVERSIONS.get(node.op)
        if convert is None:
            raise NoCounterpart(node.op)
        return convert(self, node)

    def arguments(self, node: Node) -> list[Any]:
        return [self.expression(arg) for arg in node.args]

    def number(self, node: Node) -> Any:
        value = node.value if node.op == "num" else node.args[0].value
        return self.sympy.Rational(value.numerator, value.denominator)

    def named(self, node: Node) -> Any:
        constants = {"e": self.sympy.E, "i": self.sympy.I, r"\pi": self.sympy.pi}
        return constants[node.value] if node.value in constants else self.symbol(node.value)

    def degree(self, node: Node) -> Any:
        value = self.expression(node.args[0])
        return value * self.sympy.pi / 180 if self.degrees else value

    def function(self, node: Node) -> Any:
        degrees, self.degrees = self.degrees, self.degrees or node.value in ("sin", "cos", "tan", "cot", "sec", "csc")
        values = self.arguments(node)
        self.degrees = degrees
        if node.value in ("ln", "log", "lg"):
            if node.value == "lg" or (node.value == "log" and self.log10 and len(values) == 1):
                values.append(self.sympy.Integer(10))
            return self.sympy.log(*values)
        name = _FUNCTIONS.get(node.value)
        if name is None:
            raise NoCounterpart(node.value)
        return getattr(self.sympy, name)(*values)

    def root(self, node: Node) -> Any:
        value, *index = self.arguments(node)
        if not index or index[0] == 2:
            return self.sympy.sqrt(value)
        odd = index[0].is_odd
        return self.sympy.real_root(value, index[0]) if odd and value.is_real else value ** (1 / index[0])

    def series(self, node: Node) -> Any:
        low, high, body = self.arguments(node)
        name = self.symbol(node.value)
        index = self.sympy.Symbol(node.value, integer=True)
        kind = self.sympy.Sum if node.op == "sum" else self.sympy.Product
        return kind(body.subs(name, index), (index, low, high)).doit()

    def reals(self, node: Node) -> Any:
        """Return the set of reals that a relation, interval, union, finite set or builder describes."""
        if node.op == "rel":
            return self.solutions(node)
        if node.op == "builder":
            return self.reals(node.args[0])
        parts = node.args
        if node.op == "tuple":
            low, high = self.arguments(node)
            return self.sympy.Interval(low, high, node.value[0] == "(", node.value[-1] == ")")
        if node.op == "set":
            return self.sympy.FiniteSet(*self.arguments(node))
        if node.op in ("union", "list"):
            return self.sympy.Union(*map(self.reals, parts))
        if node.op in ("inter", "diff"):
            one, two = map(self.reals, parts)
            return one.intersect(two) if node.op == "inter" else self.sympy.Complement(one, two)
        if node.op == "nset" and node.value == "R":
            return self.sympy.S.Reals
        if node.op == "empty":
            return self.sympy.S.EmptySet
        raise NoCounterpart(node.op)

    def solutions(self, node: Node) -> Any:
        operands = self.arguments(node)
        (letter,) = frozenset[Any]().union(*(operand.free_symbols for operand in operands))
        kinds = {"<": "Lt", ">": "Gt", "<=": "Le", ">=": "Ge", "!=": "Ne", "=": "Eq"}
        found = self.sympy.S.Reals
        for at, operator in enumerate(node.value):
            relation = getattr(self.sympy, kinds[operator])(operands[at], operands[at + 1])
            found = found.intersect(self.sympy.solveset(relation, letter, self.sympy.S.Reals))
        return found

    def call(self, node: Node) -> Any:
        return self.sympy.Function(node.value)(*self.arguments(node))


_FUNCTIONS = {name: name for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "exp", "floor")}
_FUNCTIONS |= {"arc" + name: "a" + name for name in ("sin", "cos", "tan", "cot")}
_FUNCTIONS |= {"abs": "Abs", "ceil": "ceiling", "factorial": "factorial", "binomial": "binomial"}
_FUNCTIONS |= {"max": "Max", "min": "Min", "gcd": "gcd", "lcm": "lcm"}
_CONVERSIONS: dict[str, Callable[[Conversion, Node], Any]] = {
    "num": Conversion.number, "dec": Conversion.number, "sym": Conversion.named, "deg": Conversion.degree,
    "add": lambda c, n: c.sympy.Add(*c.arguments(n)), "mul": lambda c, n: c.sympy.Mul(*c.arguments(n)),
    "neg": lambda c, n: -c.expression(n.args[0]), "inv": lambda c, n: 1 / c.expression(n.args[0]),
    "pow": lambda c, n: c.sympy.Pow(*c.arguments(n)), "pct": lambda c, n: c.expression(n.args[0]) / 100,
    "fn": lambda c, n: c.root(n) if n.value == "sqrt" else c.function(n),
    "sum": Conversion.series, "product": Conversion.series, "call": Conversion.call, "inf": lambda c, n: c.sympy.oo,
}  # fmt: skip
