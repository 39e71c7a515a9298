"""Plans asserts whose calls are known beforehand: all calls are made in one process, and each assert is decided here.

Most asserts are `f(literal) == literal`. They need no process for the tests, and no message a call. A plan is made only where
that is the same as running the tests: arguments are literals, or what the tests work out without the program (`constants`); loops are
unrolled, no answer is kept between asserts. What an assert may do with an answer is a short list of pure operations on plain
values; whatever is not on it, and any answer that is no plain value, makes the tests run in their container instead.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.grading.answers import answered
from sandbox.grading.calls import Request
from sandbox.grading.constants import Constants, texts_of
from sandbox.grading.names import prompt_names
from sandbox.grading.plain_operations import ARITHMETIC, COMPARISONS, FUNCTIONS, Unplanned, number_of
from sandbox.grading.rewriting import AssertTests
from sandbox.grading.trees import PLAIN, dotted, literals, nodes_of
from tasks.domain.digits import any_digits
from tasks.domain.python_source import parsed

MOST_REQUESTS = 1000
TELLING = 4  # characters of a literal that a program would hardly guess
UNTELLING = frozenset({"True", "False", "None"})
Value = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Step:
    """One assert, once: the function that decides it from the answers of all calls, how many calls must have been answered for it, and its
    number. An assert in a loop is several steps."""

    holds: Value
    calls: int
    number: int


@dataclass(frozen=True)
class Plan:
    """All calls in order, and the asserts. `in_turn`: a later call's arguments show what an earlier assert compares with, so the program
    gets each call when it has answered the one before. `literal`: the tests are asserts on calls with literals, and nothing else."""

    requests: tuple[Request, ...]
    steps: tuple[Step, ...]
    in_turn: bool
    literal: bool


@lru_cache(maxsize=4096)
def plan_of(tests: AssertTests) -> Plan | None:
    """Return the plan of the tests, or None where they have to run."""
    if tests.watch or tests.numpy or set(tests.modules) - {"math"}:
        return None
    try:
        with any_digits():
            hidden = frozenset(tests.names) | (prompt_names(tests.prompt) or frozenset())
            return _Planner(frozenset(tests.names), hidden).plan(parsed(tests.original), tests.total)
    except (Unplanned, RecursionError):
        return None


class _Planner:
    """Makes a plan in one walk over the statements."""

    def __init__(self, names: frozenset[str], hidden: frozenset[str]) -> None:
        self.names, self.hidden = {name: name for name in names}, hidden
        self.constants = Constants(hidden)
        self.requests: list[Request] = []
        self.told: list[set[str]] = []  # literals among the arguments of each call
        self.steps: list[Step] = []
        self.wanted: list[tuple[int, set[str]]] = []  # calls made before, literals that an assert compares with
        self.looked: set[str] = set()  # constants that the present assert compares with
        self.numbers: dict[int, int] = {}
        self.literal = True

    def plan(self, tree: ast.Module, total: int) -> Plan | None:
        asserts = [node for node in nodes_of(tree) if isinstance(node, ast.Assert)]
        asserts.sort(key=lambda node: (node.lineno, node.col_offset))
        self.numbers = {id(node): number for number, node in enumerate(asserts)}
        self.block(_inlined(tree, self.names))
        reached = {step.number for step in self.steps}
        if reached != set(range(total)) or not self.requests:
            return None
        in_turn = self.shows_outcomes()
        return Plan(tuple(self.requests), tuple(self.steps), in_turn, self.literal and not in_turn)

    # ------------------------------------------------------------ statements

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            if _harmless(statement):
                continue
            made = getattr(self, f"statement_{type(statement).__name__}", None)
            if made is None:
                raise Unplanned
            self.literal = self.literal and isinstance(statement, ast.Assert | Inlined)
            made(statement)

    def statement_Assert(self, node: ast.Assert) -> None:
        before = len(self.requests)
        self.constants.next_assert()
        self.looked = set()
        holds = self.value(node.test)
        self.steps.append(Step(holds, len(self.requests), self.numbers[id(node)]))
        arguments = set().union(*self.told[before:])
        self.wanted.append((len(self.requests), (_telling(node.test) | self.looked) - arguments))
        if len(self.requests) > MOST_REQUESTS:
            raise Unplanned

    def statement_Assign(self, node: ast.Assign) -> None:
        """Give a name to what needs no answer. Nothing that is planned changes such a value."""
        value = self.constants.value(node.value)
        for target in node.targets:
            self.constants.bind(target, value)

    def statement_If(self, node: ast.If) -> None:
        self.block(node.body if self.constants.value(node.test) else node.orelse)

    def statement_For(self, node: ast.For) -> None:
        if node.orelse:
            raise Unplanned
        for item in self.constants.items(node.iter):
            self.constants.bind(node.target, item)
            self.block(node.body)

    def statement_Inlined(self, node: Inlined) -> None:
        """Names of a function are gone after it."""
        before = dict(self.constants.named)
        self.block(node.body)
        self.constants.named = before

    def shows_outcomes(self) -> bool:
        """Whether a later call's arguments hold what an earlier assert compares with, and no call until then did."""
        for calls, wanted in self.wanted:
            known = set().union(*self.told[:calls])
            if (wanted - known) & set().union(*self.told[calls:]):
                return True
        return False

    # ------------------------------------------------------------ expressions

    def value(self, node: ast.expr) -> Value:
        made = getattr(self, f"value_{type(node).__name__}", self.constant)
        value: Value = made(node)
        return value

    def constant(self, node: ast.expr) -> Value:
        """What needs no answer."""
        value = self.constants.value(node)
        self.literal = self.literal and _literal(node)
        self.looked |= _telling_texts(texts_of(value))
        return lambda answers: value

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
        with contextlib.suppress(Unplanned):
            return self.constant(node)
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
        if function is None:
            return self.constant(node)
        starred = any(isinstance(one, ast.Starred) for one in node.args) or any(
            one.arg is None for one in node.keywords
        )
        if starred or name in self.hidden:
            raise Unplanned
        parts = [self.value(one) for one in node.args]
        named = {str(one.arg): self.value(one.value) for one in node.keywords}
        return lambda answers: function(
            *(part(answers) for part in parts), **{key: part(answers) for key, part in named.items()}
        )

    def request(self, node: ast.Call, name: str) -> Value:
        if any(one.arg is None for one in node.keywords):
            raise Unplanned
        told: set[str] = set()
        arguments = tuple([self.argument(one, told) for one in node.args])
        keywords = tuple([(str(one.arg), self.argument(one.value, told)) for one in node.keywords])
        place = len(self.requests)
        self.requests.append(Request(name, arguments, keywords))
        self.told.append(told)
        return lambda answers: answered(answers[place])

    def argument(self, node: ast.expr, told: set[str]) -> Any:
        """The value that the program gets, whose texts become known to it."""
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            value = self.constants.argument(node)
            self.literal = self.literal and _literal(node)
            told |= _telling_texts(texts_of(value))
        else:
            told |= _telling(node)
        return value


class Inlined(ast.stmt):
    """The body of a function in the place of its call."""

    _fields = ("body",)
    body: list[ast.stmt]


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
            inlined = Inlined()
            inlined.body = checks.pop().body
            found.append(inlined)
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


def _literal(node: ast.expr) -> bool:
    """Return whether nothing but literals, sums of texts and arithmetic of numbers is in an expression."""
    for one in nodes_of(node):
        if type(one) is ast.BinOp:
            texts = any(type(side) is ast.Constant and isinstance(side.value, str) for side in nodes_of(one))
            if type(one.op) not in ARITHMETIC.keys() | {ast.Pow} or (texts and type(one.op) is not ast.Add):
                return False
        elif not isinstance(one, (ast.UnaryOp, *PLAIN)):
            return False
    return True


def _telling(*nodes: ast.expr) -> set[str]:
    """Return the literals in expressions that could reveal an expected value, as texts."""
    return _telling_texts(literals(*nodes))


def _telling_texts(texts: set[str]) -> set[str]:
    return {text for text in texts if len(text) >= TELLING} - UNTELLING
