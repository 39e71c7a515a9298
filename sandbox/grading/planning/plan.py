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
from sandbox.grading.names import prompt_binds, prompt_names
from sandbox.grading.planning.constant_operations import FUNCTIONS as OF_CONSTANTS
from sandbox.grading.planning.constants import Constants
from sandbox.grading.planning.plain_operations import ARITHMETIC, COMPARISONS, FUNCTIONS, Unplanned, number_of, takes
from sandbox.grading.planning.shown import UNTELLING, Shown, telling
from sandbox.grading.planning.statements import Inlined, flat, harmless
from sandbox.grading.rewriting import AssertTests
from sandbox.grading.trees import PLAIN, dotted, literals, nodes_of
from tasks.domain.digits import any_digits
from tasks.domain.python_source import parsed

MOST_REQUESTS = 1000
OF_PYTHON = frozenset(
    name.split(".")[0] for name in [*FUNCTIONS, *OF_CONSTANTS]
)  # what is called by these names is worked out here
WHOLE = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp)
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
    """All calls in order, and the asserts. `in_turn`: the program gets each call when it has answered the one before, because a later call's
    arguments may show what an earlier assert wants. `literal`: the tests are asserts on calls with literals, and nothing else."""

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
            binds = prompt_binds(tests.prompt)
            if "*" in binds:
                return None
            hidden = frozenset(tests.names) | (prompt_names(tests.prompt) or frozenset()) | binds
            return _Planner(frozenset(tests.names), hidden).plan(parsed(tests.original), tests.total)
    except (Unplanned, RecursionError):
        return None


class _Planner:
    """Makes a plan in one walk over the statements."""

    def __init__(self, names: frozenset[str], hidden: frozenset[str]) -> None:
        self.names, self.hidden = {name: name for name in names}, hidden
        self.constants = Constants(hidden)
        self.work = self.constants.work
        self.requests: list[Request] = []
        self.shown, self.alike = Shown(), Shown()  # as they are written, and whatever is alike
        self.looked: set[str] = set()  # constants that the present assert compares with
        self.looked_alike: set[str] = set()
        self.steps: list[Step] = []
        self.numbers: dict[int, int] = {}
        self.written: dict[int, set[str]] = {}  # telling literals of an expression, by its identity
        self.literal = True
        self.changed = False  # whether an assert compares something that it makes of an answer

    def plan(self, tree: ast.Module, total: int) -> Plan | None:
        asserts = [node for node in nodes_of(tree) if isinstance(node, ast.Assert)]
        asserts.sort(key=lambda node: (node.lineno, node.col_offset))
        self.numbers = {id(node): number for number, node in enumerate(asserts)}
        statements = flat(tree, frozenset(self.names))
        if statements.bound & OF_PYTHON:
            raise Unplanned
        self.block(statements.statements)
        reached = {step.number for step in self.steps}
        if reached != set(range(total)) or not self.requests:
            return None
        literal = self.literal and not self.shown.something_new()
        at_once = literal and not self.changed and not self.alike.something()
        return Plan(tuple(self.requests), tuple(self.steps), len(self.requests) > 1 and not at_once, literal)

    # ------------------------------------------------------------ statements

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.work.step()
            if harmless(statement):
                continue
            made = getattr(self, f"statement_{type(statement).__name__}", None)
            if made is None:
                raise Unplanned
            self.literal = self.literal and isinstance(statement, ast.Assert | Inlined)
            made(statement)

    def statement_Assert(self, node: ast.Assert) -> None:
        before = len(self.requests)
        self.constants.next_assert()
        self.looked, self.looked_alike = set(), set()
        holds = self.value(node.test)
        self.steps.append(Step(holds, len(self.requests), self.numbers[id(node)]))
        self.shown.want(self.telling(node.test) | self.looked, before, len(self.requests))
        self.alike.want(self.looked_alike, before, len(self.requests))
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
        items, kept = self.constants.items(node.iter), self.constants.looped_over(node.iter)
        for item in items:
            self.constants.bind(node.target, item)
            self.block(node.body)
            self.constants.check_unchanged(kept)

    def statement_Inlined(self, node: Inlined) -> None:
        """Names of a function are gone after it, and before it gives them something."""
        if node.parameter in OF_PYTHON:
            raise Unplanned
        before = dict(self.constants.named)
        for name in node.binds():
            self.constants.named.pop(name, None)
        self.names[node.parameter] = node.name
        self.constants.hidden |= {node.parameter}
        self.block(node.body)
        del self.names[node.parameter]
        self.constants.named = before

    # ------------------------------------------------------------ expressions

    def value(self, node: ast.expr) -> Value:
        if isinstance(node, WHOLE) and not isinstance(getattr(node, "op", None), ast.Not):
            with contextlib.suppress(Unplanned):
                return self.constant(node)
        made = getattr(self, f"value_{type(node).__name__}", self.constant)
        value: Value = made(node)
        return value

    def constant(self, node: ast.expr) -> Value:
        """What needs no answer. As a whole, because a later argument may be the whole."""
        value = self.constants.value(node)
        self.literal = self.literal and _literal(node, called=frozenset(FUNCTIONS))
        return self.looked_at(value)

    def looked_at(self, value: Any) -> Value:
        self.looked |= telling(self.work.texts(value))
        self.looked_alike |= self.work.likenesses(value) - UNTELLING
        return lambda answers: value

    def value_Constant(self, node: ast.Constant) -> Value:
        return self.looked_at(node.value)

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
        pairs = [(self.value(key), self.value(one)) for key, one in zip(node.keys, node.values, strict=True) if key]
        return lambda answers: {key(answers): part(answers) for key, part in pairs}

    def value_UnaryOp(self, node: ast.UnaryOp) -> Value:
        part = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda answers: not part(answers)
        if isinstance(node.op, ast.USub):
            self.changed = True
            return lambda answers: -number_of(part(answers))
        raise Unplanned

    def value_BinOp(self, node: ast.BinOp) -> Value:
        self.changed = True
        one, other, operate = self.value(node.left), self.value(node.right), ARITHMETIC.get(type(node.op))
        if operate is None:
            raise Unplanned
        return lambda answers: operate(number_of(one(answers)), number_of(other(answers)))

    def value_BoolOp(self, node: ast.BoolOp) -> Value:
        """What follows the first part may not be asked for at all."""
        parts, asked = [self.value(node.values[0])], len(self.requests)
        parts += [self.value(one) for one in node.values[1:]]
        if len(self.requests) > asked:
            raise Unplanned
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
        with contextlib.suppress(Unplanned):
            return self.constant(node)
        function = FUNCTIONS.get(name)
        starred = any(isinstance(one, ast.Starred) for one in node.args) or any(
            one.arg is None for one in node.keywords
        )
        if function is None or starred or name in self.hidden:
            raise Unplanned
        if not takes(name, len(node.args), [str(one.arg) for one in node.keywords]):
            raise Unplanned
        self.changed = True
        parts = [self.value(one) for one in node.args]
        named = {str(one.arg): self.value(one.value) for one in node.keywords}
        return lambda answers: function(
            *(part(answers) for part in parts), **{key: part(answers) for key, part in named.items()}
        )

    def request(self, node: ast.Call, name: str) -> Value:
        if any(one.arg is None for one in node.keywords):
            raise Unplanned
        arguments = tuple([self.argument(one) for one in node.args])
        keywords = tuple([(str(one.arg), self.argument(one.value)) for one in node.keywords])
        self.work.check_apart([*arguments, *(value for _, value in keywords)])
        place = len(self.requests)
        self.requests.append(Request(name, arguments, keywords))
        return lambda answers: answered(answers[place])

    def argument(self, node: ast.expr) -> Any:
        """The value that the program gets, whose texts become known to it."""
        try:
            value = self.constants.argument(node) if "set" in self.hidden else ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            value = self.constants.argument(node)
            self.literal = self.literal and _literal(node)
            texts = telling(self.work.texts(value))
        else:
            texts = self.telling(node)
        self.shown.tell(texts, len(self.requests))
        self.alike.tell(self.work.likenesses(value) - UNTELLING, len(self.requests))
        return value

    def telling(self, node: ast.expr) -> set[str]:
        """Return the literals in an expression that could reveal an expected value, as texts."""
        if id(node) not in self.written:
            self.written[id(node)] = telling(literals(node))
        self.work.spend(len(self.written[id(node)]))
        return self.written[id(node)]


def _literal(node: ast.expr, *, called: frozenset[str] = frozenset()) -> bool:
    """Return whether nothing but literals, sums of texts and arithmetic of numbers is in an expression, and functions that are `called`."""
    if isinstance(node, ast.Call) and dotted(node.func) in called and not node.keywords:
        return all(_literal(one, called=called) for one in node.args)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return all(_literal(one, called=called) for one in node.elts)
    for one in nodes_of(node):
        if type(one) is ast.BinOp:
            texts = any(type(side) is ast.Constant and isinstance(side.value, str) for side in nodes_of(one))
            if type(one.op) not in ARITHMETIC.keys() | {ast.Pow} or (texts and type(one.op) is not ast.Add):
                return False
        elif not isinstance(one, (ast.UnaryOp, *PLAIN)):
            return False
    return True
