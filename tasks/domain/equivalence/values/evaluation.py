"""The value of an expression. Symbols get fixed generic values, so that a few evaluations tell expressions apart."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from tasks.domain.equivalence.nodes import Node
from tasks.domain.equivalence.values.arithmetic import Arithmetic, NotNumeric, Undefined, as_whole

MAX_SERIES = 1000  # terms
HUNDREDTH = Fraction(1, 100)
SPANS = ((0.3, 2.7), (0.3, 2.7), (-2.7, -0.3), (3.1, 9.0), (-9.0, -3.1), (11.0, 60.0), (0.05, 0.2), (-60.0, -11.0))
COUNTING_LETTERS = frozenset("nkmNKM")  # symbols that usually stand for whole numbers


@lru_cache(maxsize=4096)
def sample(name: str, point: int, whole: bool = False) -> Fraction:
    """Return a fixed generic rational for a symbol at a point; beyond the spans, letters of whole numbers get small ones."""
    if whole and point >= len(SPANS):
        return Fraction(point - len(SPANS) + 1)
    spread = zlib.crc32(f"{name}@{point}".encode("utf-8", "surrogatepass"))
    low, high = SPANS[point % len(SPANS)]
    return Fraction(round((low + (high - low) * spread / 2**32) * 99991), 99991)


class Evaluation:
    """Values of trees at one point. `degrees`, `log10`: what the degree sign and a bare log stand for; `whole`: letters that
    run over the whole numbers."""

    def __init__(
        self,
        m: Arithmetic,
        point: int = 0,
        degrees: bool = True,
        log10: bool = False,
        whole: frozenset[str] = frozenset(),
    ) -> None:
        self.m, self.point, self.degrees, self.log10, self.whole = m, point, degrees, log10, whole
        self.bound: dict[str, Any] = {}

    def value(self, node: Node) -> Any:
        """Return the value of the tree; raise NotNumeric when it has none."""
        try:
            return _RULES.get(node.op, Evaluation.unknown)(self, node)
        except (ZeroDivisionError, OverflowError, ValueError, KeyError, TypeError) as error:
            raise Undefined from error

    def unknown(self, node: Node) -> Any:
        raise NotNumeric(node.op)

    def num(self, node: Node) -> Any:
        return self.m.number(node.value)

    def dec(self, node: Node) -> Any:
        return self.m.number(node.args[0].value)

    def sym(self, node: Node) -> Any:
        name = node.value
        if name in self.bound:
            return self.bound[name]
        if name == r"\pi":
            return self.m.pi
        if name in ("e", "i"):
            return self.m.e if name == "e" else self.m.i
        return self.m.number(sample(name, self.point, name in self.whole))

    def add(self, node: Node) -> Any:
        return self.m.add([self.value(arg) for arg in node.args])

    def mul(self, node: Node) -> Any:
        product = self.value(node.args[0])
        for arg in node.args[1:]:
            product = product * self.value(arg)
        return product

    def neg(self, node: Node) -> Any:
        return -self.value(node.args[0])

    def inv(self, node: Node) -> Any:
        return 1 / self.value(node.args[0])

    def pow(self, node: Node) -> Any:
        return self.m.power(self.value(node.args[0]), self.value(node.args[1]))

    def pct(self, node: Node) -> Any:
        return self.value(node.args[0]) * self.m.number(HUNDREDTH)

    def deg(self, node: Node) -> Any:
        value = self.value(node.args[0])
        return value * self.m.pi / 180 if self.degrees else value

    def unit(self, node: Node) -> Any:
        return self.value(node.args[0])

    def fn(self, node: Node) -> Any:
        degrees, self.degrees = self.degrees, self.degrees or node.value in ("sin", "cos", "tan", "cot", "sec", "csc")
        values = [self.value(arg) for arg in node.args]
        self.degrees = degrees
        if node.value == "log" and len(values) == 1 and self.log10:
            values.append(self.m.number(Fraction(10)))
        return self.m.function(node.value, values)

    def call(self, node: Node) -> Any:
        """Evaluate an unknown function as some quadratic of its own, so that f(x) differs from g(x) and from f(y)."""
        total = self.m.number(sample(node.value + "()", self.point))
        for place, arg in enumerate(node.args):
            value = self.value(arg)
            slope, bend = (self.m.number(sample(f"{node.value}{place}{part}", 0)) for part in "ab")
            total = total + slope * value + bend * value * value
        return total

    def series(self, node: Node) -> Any:
        """Evaluate a sum or product over a range of whole numbers."""
        low, high = (as_whole(self.value(arg)) for arg in node.args[:2])
        if high - low >= MAX_SERIES:
            raise Undefined
        outer = self.bound
        terms = []
        for index in range(low, high + 1):
            self.bound = {**outer, node.value: self.m.number(Fraction(index))}
            terms.append(self.value(node.args[2]))
        self.bound = outer
        return (self.m.add(terms) if terms else 0) if node.op == "sum" else math.prod(terms)

    def opaque(self, node: Node) -> Any:
        return self.m.number(sample(repr(node), self.point))


_RULES: dict[str, Callable[[Evaluation, Node], Any]] = {
    "num": Evaluation.num, "dec": Evaluation.dec, "sym": Evaluation.sym, "add": Evaluation.add, "mul": Evaluation.mul,
    "neg": Evaluation.neg, "inv": Evaluation.inv, "pow": Evaluation.pow, "pct": Evaluation.pct, "deg": Evaluation.deg,
    "unit": Evaluation.unit, "fn": Evaluation.fn, "call": Evaluation.call,
    "sum": Evaluation.series, "product": Evaluation.series,
    "opaque": Evaluation.opaque, "dots": Evaluation.opaque, "based": Evaluation.opaque,
}  # fmt: skip
