"""What tests work out without the program: `range(2, 8)`, `sum([i ** 2 for i in numbers])`. It is worked out here where it is short and
made of a list of pure operations on plain values; nothing of the tests is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from operator import length_hint
from typing import Any

from sandbox.grading.planning.constant_operations import BINARY, FUNCTIONS, in_order
from sandbox.grading.planning.parts import PLAIN, Work
from sandbox.grading.planning.plain_operations import COMPARISONS, Unplanned, number_of
from sandbox.grading.trees import dotted

ONE_AFTER_ANOTHER = frozenset({"enumerate", "zip", "reversed"})
FAULTS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


class Constants:
    """Names of the tests with their values. `hidden` names are something else than Python's own functions.

    A container that was an argument of a call is `spent`: the program may have changed it, so what it holds is not known any more.
    """

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden = hidden
        self.named: dict[str, Any] = {}
        self.work = Work()
        self._read: set[int] = set()  # containers that the present assert reads by name
        self._spent: dict[int, Any] = {}
        self._holds: dict[
            int, tuple[Any, dict[int, Any]]
        ] = {}  # values with names, which stay alive, and the containers in them

    def value(self, node: ast.expr) -> Any:
        """Return the value of an expression. Raises Unplanned for everything that is not worked out here."""
        self.work.step()
        made = getattr(self, f"of_{type(node).__name__}", None)
        if made is None:
            raise Unplanned
        try:
            return made(node)
        except FAULTS:
            raise Unplanned from None

    def bind(self, target: ast.expr, value: Any) -> None:
        """Give a name, or several of them, what an assignment or a loop gives them."""
        self.work.step()
        if isinstance(target, ast.Name) and isinstance(value, PLAIN) and target.id not in self.hidden:
            self.named[target.id] = value
        elif isinstance(target, ast.Tuple) and isinstance(value, tuple | list) and len(value) == len(target.elts):
            for one, part in zip(target.elts, value, strict=True):
                self.bind(one, part)
        else:
            raise Unplanned

    def items(self, node: ast.expr) -> list[Any]:
        """Return what a loop over an expression goes through."""
        return self._made(list(in_order(self.value(node))))

    def _made(self, value: Any) -> Any:
        """Count what was put together at once."""
        self.work.spend(0 if isinstance(value, str) else length_hint(value, 0))
        return value

    # ------------------------------------------------------------ what the program may change

    def next_assert(self) -> None:
        self._read.clear()

    def argument(self, node: ast.expr) -> Any:
        """Return a value that the program gets. Raises Unplanned where the present assert looks at it as well, and where it is not plain."""
        looked_at = set(self._read)
        value = self.value(node)
        containers = self.work.containers(value)
        if not self.work.is_plain(value) or looked_at & containers.keys():
            raise Unplanned
        self._spent |= containers
        return value

    def looped_over(self, node: ast.expr) -> set[int]:
        """Return the lists with names that a loop reads from while its body runs. Raises Unplanned where that cannot be told."""
        if isinstance(node, ast.Name):
            return {id(self.named.get(node.id))}
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return set()
        if isinstance(node, ast.List | ast.Tuple | ast.ListComp | ast.BinOp | ast.Constant):
            return set()
        if not isinstance(node, ast.Call):
            raise Unplanned
        lazy = dotted(node.func) in ONE_AFTER_ANOTHER
        return set().union(*map(self.looped_over, node.args)) if lazy else set()

    def check_unchanged(self, containers: set[int]) -> None:
        """Raise Unplanned if the program may have changed one of them."""
        if containers & self._spent.keys():
            raise Unplanned

    def _looked_at(self, value: Any) -> Any:
        if id(value) not in self._holds:
            self._holds[id(value)] = (value, self.work.containers(value))
        held = self._holds[id(value)][1].keys()
        self.work.spend(len(held))
        self.check_unchanged(set(held))
        self._read |= held
        return value

    # ------------------------------------------------------------ expressions

    def of_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def of_Name(self, node: ast.Name) -> Any:
        return self._looked_at(self.named[node.id])

    def of_List(self, node: ast.List) -> Any:
        return [self.value(one) for one in node.elts]

    def of_Tuple(self, node: ast.Tuple) -> Any:
        return tuple([self.value(one) for one in node.elts])

    def of_Set(self, node: ast.Set) -> Any:
        return {self._hashed(self.value(one)) for one in node.elts}

    def of_Dict(self, node: ast.Dict) -> Any:
        if None in node.keys:
            raise Unplanned
        pairs = zip(node.keys, node.values, strict=True)
        return {self._hashed(self.value(key)): self.value(one) for key, one in pairs if key}

    def _hashed(self, value: Any) -> Any:
        self.work.walk(value)
        return value

    def of_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return not value
        if isinstance(node.op, ast.USub):
            return -number_of(value)
        raise Unplanned

    def of_BinOp(self, node: ast.BinOp) -> Any:
        return self._made(BINARY[type(node.op)](self.value(node.left), self.value(node.right)))

    def of_BoolOp(self, node: ast.BoolOp) -> Any:
        value: Any = None
        for part in node.values:
            value = self.value(part)
            if bool(value) is isinstance(node.op, ast.Or):
                break
        return value

    def of_Compare(self, node: ast.Compare) -> Any:
        one = self.value(node.left)
        for kind, part in zip(node.ops, node.comparators, strict=True):
            other = self.value(part)
            self.work.walk([one, other])
            if not COMPARISONS[type(kind)](one, other):
                return False
            one = other
        return True

    def of_IfExp(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.value(node.test) else node.orelse)

    def of_Subscript(self, node: ast.Subscript) -> Any:
        value, place = self.value(node.value), self.value(node.slice)
        return self._made(value[self._hashed(place)])

    def of_Slice(self, node: ast.Slice) -> Any:
        return slice(*(None if part is None else self.value(part) for part in (node.lower, node.upper, node.step)))

    def of_ListComp(self, node: ast.ListComp) -> Any:
        return list(self._comprehended(node.generators, node.elt))

    def of_GeneratorExp(self, node: ast.GeneratorExp) -> Any:
        return iter(list(self._comprehended(node.generators, node.elt)))

    def of_Call(self, node: ast.Call) -> Any:
        name = dotted(node.func)
        if name in self.hidden or name in self.named or node.keywords:
            raise Unplanned
        parts = [self.value(one) for one in node.args]
        return self._made(FUNCTIONS[name](*map(self._made, parts)))

    def _comprehended(self, generators: list[ast.comprehension], element: ast.expr) -> Iterator[Any]:
        """Its own names are gone afterwards."""
        before = dict(self.named)
        self.work.spend(len(before))
        try:
            yield from self._nested(generators, element)
        finally:
            self.named = before

    def _nested(self, generators: list[ast.comprehension], element: ast.expr) -> Iterator[Any]:
        if not generators:
            yield self.value(element)
            return
        first, *rest = generators
        if first.is_async:
            raise Unplanned
        for item in self.items(first.iter):
            self.bind(first.target, item)
            if all(self.value(test) for test in first.ifs):
                yield from self._nested(rest, element)
