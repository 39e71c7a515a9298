"""What tests work out without the program: `range(2, 8)`, `sum([i ** 2 for i in numbers])`. It is worked out here where it is short and
made of a list of pure operations on plain values; nothing of the tests is executed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from sandbox.grading.plain_operations import ARITHMETIC, COMPARISONS, Unplanned, number_of
from sandbox.grading.trees import dotted

MOST_STEPS = 20_000  # of one set of tests
MOST_ITEMS = 10_000  # of one value
MOST_POWER = 100
PLAIN = (int, float, complex, str, bytes, bool, type(None), list, tuple, set, dict)
ITERATOR: type = type(iter([0]))
ITERABLE = (str, list, tuple, range, dict, ITERATOR)  # not a set: its order is another one in each process
SHORT = (int, float, str, bool, type(None))
FAULTS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


def _in_order(value: Any) -> Any:
    if isinstance(value, ITERABLE):
        return value
    raise Unplanned


def _small(value: Any) -> Any:
    if len(value) > MOST_ITEMS:
        raise Unplanned
    return value


def _text(value: Any) -> str:
    if type(value) in SHORT:
        return str(value)
    raise Unplanned


def _once(function: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    """What goes through its items once; `bind` takes no such value."""
    return lambda *parts: iter(list(function(*map(_in_order, parts))))


def _power(one: Any, other: Any) -> Any:
    if type(one) is int and type(other) is int and 0 <= other <= MOST_POWER and abs(one) <= MOST_POWER:
        return one**other
    raise Unplanned


def _times(one: Any, other: Any) -> Any:
    repeated, count = (one, other) if isinstance(one, str | list) else (other, one)
    if not (isinstance(repeated, str | list) and type(count) is int):
        return number_of(one) * number_of(other)
    if len(repeated) * count > MOST_ITEMS:
        raise Unplanned
    return repeated * count


def _plus(one: Any, other: Any) -> Any:
    alike = type(one) is type(other) and isinstance(one, str | list | tuple)
    return _small(one + other) if alike else number_of(one) + number_of(other)


def _whole(operate: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
    def calculate(one: Any, other: Any) -> Any:
        if type(one) is int and type(other) is int:  # `%` is more than arithmetic for texts
            return operate(number_of(one), number_of(other))
        raise Unplanned

    return calculate


BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: _plus,
    ast.Mult: _times,
    ast.Pow: _power,
    ast.FloorDiv: _whole(lambda one, other: one // other),
    ast.Mod: _whole(lambda one, other: one % other),
    **{kind: ARITHMETIC[kind] for kind in (ast.Sub, ast.Div)},
}
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "range": lambda *bounds: _small(range(*bounds)),
    "list": lambda *parts: list(*map(_in_order, parts)),
    "tuple": lambda *parts: tuple(*map(_in_order, parts)),
    "enumerate": _once(enumerate), "zip": _once(zip), "reversed": _once(reversed),
    "sum": lambda values: sum(map(number_of, _in_order(values))),
    "sorted": sorted,
    "min": min, "max": max, "len": len, "str": _text,
    "abs": lambda value: abs(number_of(value)),
    "int": lambda value: int(number_of(value)),
    "float": lambda value: float(number_of(value)),
}  # fmt: skip


class Constants:
    """Names of the tests with their values. `hidden` names are something else than Python's own functions.

    A container that was an argument of a call is `spent`: the program may have changed it, so what it holds is not known any more.
    """

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden = hidden
        self.named: dict[str, Any] = {}
        self.steps = 0
        self._read: set[int] = set()  # containers that the present assert reads by name
        self._spent: dict[int, Any] = {}

    def value(self, node: ast.expr) -> Any:
        """Return the value of an expression. Raises Unplanned for everything that is not worked out here."""
        self.steps += 1
        made = getattr(self, f"of_{type(node).__name__}", None)
        if made is None or self.steps > MOST_STEPS:
            raise Unplanned
        try:
            return made(node)
        except FAULTS:
            raise Unplanned from None

    def bind(self, target: ast.expr, value: Any) -> None:
        """Give a name, or several of them, what an assignment or a loop gives them."""
        if isinstance(target, ast.Name) and isinstance(value, PLAIN) and target.id not in self.hidden:
            self.named[target.id] = value
        elif isinstance(target, ast.Tuple) and isinstance(value, tuple | list) and len(value) == len(target.elts):
            for one, part in zip(target.elts, value, strict=True):
                self.bind(one, part)
        else:
            raise Unplanned

    def items(self, node: ast.expr) -> list[Any]:
        """Return what a loop over an expression goes through."""
        return list(_in_order(self.value(node)))

    # ------------------------------------------------------------ what the program may change

    def next_assert(self) -> None:
        self._read.clear()

    def argument(self, node: ast.expr) -> Any:
        """Return a value that the program gets. Raises Unplanned where the present assert looks at it as well, and where it is not plain."""
        looked_at = set(self._read)
        value = self.value(node)
        containers = {id(container): container for container in _containers(value)}
        if not _plain(value) or looked_at & containers.keys():
            raise Unplanned
        self._spent |= containers
        return value

    def _looked_at(self, value: Any) -> Any:
        for container in _containers(value):
            if id(container) in self._spent:
                raise Unplanned
            self._read.add(id(container))
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
        return {self.value(one) for one in node.elts}

    def of_Dict(self, node: ast.Dict) -> Any:
        if None in node.keys:
            raise Unplanned
        return {self.value(key): self.value(one) for key, one in zip(node.keys, node.values, strict=True) if key}

    def of_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return not value
        if isinstance(node.op, ast.USub):
            return -number_of(value)
        raise Unplanned

    def of_BinOp(self, node: ast.BinOp) -> Any:
        return BINARY[type(node.op)](self.value(node.left), self.value(node.right))

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
            if not COMPARISONS[type(kind)](one, other):
                return False
            one = other
        return True

    def of_IfExp(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.value(node.test) else node.orelse)

    def of_Subscript(self, node: ast.Subscript) -> Any:
        value, place = self.value(node.value), self.value(node.slice)
        return value[place]

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
        return FUNCTIONS[name](*[self.value(one) for one in node.args])

    def _comprehended(self, generators: list[ast.comprehension], element: ast.expr) -> Iterator[Any]:
        """Its own names are gone afterwards."""
        before = dict(self.named)
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


def texts_of(value: Any) -> set[str]:
    """Return the texts of a value and of everything in it, as `trees.literals` does for what is written down."""
    return {repr(value)}.union(*map(texts_of, _parts(value)))


def _plain(value: Any) -> bool:
    return type(value) in PLAIN and all(map(_plain, _parts(value)))


def _containers(value: Any) -> Iterator[Any]:
    """Every list, set and mapping in a value, and the value itself if it is one."""
    if isinstance(value, list | set | dict):
        yield value
    for part in _parts(value):
        yield from _containers(part)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return list(value) if isinstance(value, list | tuple | set | frozenset) else []
