"""Plans asserts whose calls are known beforehand: all calls are made in one process, and each assert is decided here.

Most asserts are `f(literal) == literal`. They need no process for the tests, and no message a call. A plan is made only where
that is the same as running the tests: calls have literal arguments, nothing is kept between asserts, and no later argument shows
what an earlier call should have returned. What an assert may do with an answer is a short list of pure operations on plain
values; whatever is not on it, and any answer that is no plain value, makes the tests run in their container instead.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.grading.answers import answered
from sandbox.grading.calls import Request
from sandbox.grading.plain_operations import ARITHMETIC, COMPARISONS, FUNCTIONS, Unplanned, number_of
from sandbox.grading.rewriting import AssertTests
from sandbox.grading.trees import dotted, literals, nodes_of
from tasks.domain.digits import any_digits
from tasks.domain.python_source import parsed

MOST_POWER = 100
TELLING = 4  # characters of a literal that a program would hardly guess
UNTELLING = frozenset({"True", "False", "None"})
Value = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Step:
    """One assert: the function that decides it from the answers of all calls, and how many calls must have been answered for it."""

    holds: Value
    calls: int


@dataclass(frozen=True)
class Plan:
    """All calls in order, and the asserts."""

    requests: tuple[Request, ...]
    steps: tuple[Step, ...]


@lru_cache(maxsize=4096)
def plan_of(tests: AssertTests) -> Plan | None:
    """Return the plan of the tests, or None where they have to run."""
    if tests.watch or tests.numpy or set(tests.modules) - {"math"}:
        return None
    try:
        with any_digits():
            return _Planner(frozenset(tests.names)).plan(parsed(tests.original), tests.total)
    except (Unplanned, RecursionError):
        return None


class _Planner:
    """Makes a plan in one walk over the statements."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = {name: name for name in names}
        self.requests: list[Request] = []
        self.told: list[set[str]] = []  # literals among the arguments of each call
        self.steps: list[Step] = []
        self.wanted: list[tuple[int, set[str]]] = []  # calls made before, literals that an assert compares with

    def plan(self, tree: ast.Module, total: int) -> Plan | None:
        for statement in _inlined(tree, self.names):
            self.statement(statement)
        if len(self.steps) != total or not self.requests or self.shows_outcomes():
            return None
        return Plan(tuple(self.requests), tuple(self.steps))

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assert):
            before = len(self.requests)
            holds = self.value(node.test)
            self.steps.append(Step(holds, len(self.requests)))
            arguments = set().union(*self.told[before:])
            self.wanted.append((len(self.requests), _telling(node.test) - arguments))
        elif not _harmless(node):
            raise Unplanned

    def shows_outcomes(self) -> bool:
        """Whether a later call's arguments hold what an earlier assert compares with, and no call until then did."""
        for calls, wanted in self.wanted:
            known = set().union(*self.told[:calls])
            if (wanted - known) & set().union(*self.told[calls:]):
                return True
        return False

    # ------------------------------------------------------------ expressions

    def value(self, node: ast.expr) -> Value:
        made = getattr(self, f"value_{type(node).__name__}", None)
        if made is None:
            raise Unplanned
        value: Value = made(node)
        return value

    def value_Constant(self, node: ast.Constant) -> Value:
        return lambda answers: node.value

    def value_List(self, node: ast.List) -> Value:
        parts = [self.value(one) for one in node.elts]
        return lambda answers: [part(answers) for part in parts]

    def value_Tuple(self, node: ast.Tuple) -> Value:
        parts = [self.value(one) for one in node.elts]
        return lambda answers: tuple(part(answers) for part in parts)

    def value_Set(self, node: ast.Set) -> Value:
        parts = [self.value(one) for one in node.elts]
        return lambda answers: {part(answers) for part in parts}

    def value_Dict(self, node: ast.Dict) -> Value:
        if None in node.keys:
            raise Unplanned
        keys, parts = [self.value(one) for one in node.keys if one], [self.value(one) for one in node.values]
        return lambda answers: {key(answers): part(answers) for key, part in zip(keys, parts, strict=True)}

    def value_UnaryOp(self, node: ast.UnaryOp) -> Value:
        part = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda answers: not part(answers)
        if isinstance(node.op, ast.USub):
            return lambda answers: -number_of(part(answers))
        raise Unplanned

    def value_BinOp(self, node: ast.BinOp) -> Value:
        one, other, operate = self.value(node.left), self.value(node.right), ARITHMETIC.get(type(node.op))
        if operate is None:
            raise Unplanned
        return lambda answers: operate(number_of(one(answers)), number_of(other(answers)))

    def value_BoolOp(self, node: ast.BoolOp) -> Value:
        parts = [self.value(one) for one in node.values]
        together = all if isinstance(node.op, ast.And) else any
        return lambda answers: together(part(answers) for part in parts)

    def value_Compare(self, node: ast.Compare) -> Value:
        if len(node.ops) != 1:
            raise Unplanned
        compare = COMPARISONS[type(node.ops[0])]
        one, other = self.value(node.left), self.value(node.comparators[0])
        return lambda answers: compare(one(answers), other(answers))

    def value_Call(self, node: ast.Call) -> Value:
        name = dotted(node.func)
        if isinstance(node.func, ast.Name) and name in self.names:
            return self.request(node, self.names[name])
        function = FUNCTIONS.get(name)
        if (
            function is None
            or any(isinstance(one, ast.Starred) for one in node.args)
            or any(one.arg is None for one in node.keywords)
        ):
            raise Unplanned
        parts = [self.value(one) for one in node.args]
        named = {str(one.arg): self.value(one.value) for one in node.keywords}
        return lambda answers: function(
            *(part(answers) for part in parts), **{key: part(answers) for key, part in named.items()}
        )

    def request(self, node: ast.Call, name: str) -> Value:
        if any(one.arg is None for one in node.keywords):
            raise Unplanned
        node = _Folded().visit(node) if any(type(one) is ast.BinOp for one in nodes_of(node)) else node
        arguments = tuple(_literal(one) for one in node.args)
        keywords = tuple((str(one.arg), _literal(one.value)) for one in node.keywords)
        place = len(self.requests)
        self.requests.append(Request(name, arguments, keywords))
        self.told.append(_telling(*node.args, *(one.value for one in node.keywords)))
        return lambda answers: answered(answers[place])


def _inlined(tree: ast.Module, names: dict[str, str]) -> list[ast.stmt]:
    """The statements of the tests; HumanEval's `check`, called once with a name of the program, in its place."""
    checks = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    found: list[ast.stmt] = []
    for node in tree.body:
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check":
            plain = (
                len(checks) == 1
                and not checks[0].decorator_list
                and len(checks[0].args.args) == 1
                and len(call.args) == 1
            )
            if not plain or call.keywords or not isinstance(call.args[0], ast.Name) or call.args[0].id not in names:
                raise Unplanned
            names[checks[0].args.args[0].arg] = call.args[0].id
            found += checks.pop().body
        elif node not in checks:
            found.append(node)
    return found


def _harmless(node: ast.stmt) -> bool:
    """Return whether a statement is a bare constant, a `pass`, `import math`, or data about the tests that nothing reads."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or (isinstance(node.value, ast.Name) and node.value.id == "print")
    if isinstance(node, ast.Assign):
        return [ast.unparse(target) for target in node.targets] == ["METADATA"]
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Import) and ast.unparse(node) == "import math")


class _Folded(ast.NodeTransformer):
    """`3 * 5 * 7` and `"ab" + "cd"` as the literals that they are."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not (isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)):
            return node
        one, other = node.left.value, node.right.value
        if isinstance(node.op, ast.Add) and isinstance(one, str) and isinstance(other, str):
            return ast.Constant(one + other)
        operate = _power if isinstance(node.op, ast.Pow) else ARITHMETIC.get(type(node.op))
        if operate is None or not all(type(value) in (int, float) for value in (one, other)):
            return node
        if other == 0 and not isinstance(node.op, ast.Pow):
            return node
        return ast.Constant(operate(number_of(one), number_of(other)))


def _power(one: Any, other: Any) -> Any:
    if type(one) is int and type(other) is int and 0 <= other <= MOST_POWER and abs(one) <= MOST_POWER:
        return one**other
    raise Unplanned


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise Unplanned from None


def _telling(*nodes: ast.expr) -> set[str]:
    """Return the literals in expressions that could reveal an expected value, as texts."""
    return {text for text in literals(*nodes) if len(text) >= TELLING} - UNTELLING
