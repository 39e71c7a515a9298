"""Which statements a plan can be made of, and HumanEval's `check` in the place of its call."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.grading.planning.plain_operations import Unplanned
from sandbox.grading.trees import PLAIN, nodes_of

KINDS: Final = frozenset({ast.Assert, ast.Assign, ast.If, ast.For, ast.Expr, ast.Pass, ast.Import})
CHANGE_THEIR_FUNCTION: Final = frozenset({ast.Yield, ast.YieldFrom, ast.Await, ast.NamedExpr})
CHECK = "check"
IMPORT = "import math"


class Inlined(ast.stmt):
    """The body of a function in the place of its call: `parameter` stands there for the program's function `name`."""

    _fields = ("body",)
    body: list[ast.stmt]
    parameter: str
    name: str

    def binds(self) -> frozenset[str]:
        """Return the names that are the function's own."""
        return _bound([node for statement in self.body for node in nodes_of(statement)])


@dataclass(frozen=True)
class Flat:
    """Statements in the order in which they run, and all names that any of them binds, in whatever branch."""

    statements: tuple[ast.stmt, ...]
    bound: frozenset[str]


def flat(tree: ast.Module, names: frozenset[str]) -> Flat:
    """Return the statements of the tests; HumanEval's `check`, called once with a name of the program, in its place.

    Raises Unplanned where a statement is of another kind, even one that is not reached: a `yield` or a `del` changes what all of a function is.
    """
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if len(functions) > 1 or any(node.name != CHECK for node in functions):
        raise Unplanned
    nodes = [node for statement in tree.body for node in nodes_of(statement)]
    bound = _bound(nodes)
    kinds = {type(node) for node in nodes if node not in functions} if functions else {*map(type, nodes)}
    if not kinds.isdisjoint(CHANGE_THEIR_FUNCTION) or any(issubclass(kind, ast.stmt) for kind in kinds - KINDS):
        raise Unplanned
    found: list[ast.stmt] = []
    defined: list[ast.FunctionDef] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            defined.append(node)
        elif _calls_check(node):
            found.append(_inlined(defined.pop() if defined else None, node, names, bound))
        else:
            found.append(node)
    for block in (found, *(one.body for one in found if isinstance(one, Inlined))):
        _check_imports(block)
    return Flat(tuple(found), bound)


def harmless(node: ast.stmt) -> bool:
    """Return whether a statement is a bare constant, a `pass`, `import math`, or data about the tests that nothing reads."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or (isinstance(node.value, ast.Name) and node.value.id == "print")
    if isinstance(node, ast.Assign):
        data = [ast.unparse(target) for target in node.targets] == ["METADATA"]
        return data and all(isinstance(one, PLAIN) for one in nodes_of(node.value))
    return isinstance(node, ast.Pass) or _imports_math(node)


def _bound(nodes: Sequence[ast.AST]) -> frozenset[str]:
    return frozenset(node.id for node in nodes if type(node) is ast.Name and type(node.ctx) is not ast.Load)


def _calls_check(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == CHECK


def _inlined(
    check: ast.FunctionDef | None, statement: ast.stmt, names: frozenset[str], bound: frozenset[str]
) -> Inlined:
    call = statement.value if isinstance(statement, ast.Expr) else None
    if check is None or check.decorator_list or not isinstance(call, ast.Call) or call.keywords or len(call.args) != 1:
        raise Unplanned
    parameters, argument = check.args, call.args[0]
    others = [*parameters.posonlyargs, *parameters.kwonlyargs, parameters.vararg, parameters.kwarg]
    if len(parameters.args) != 1 or any(others) or parameters.defaults:
        raise Unplanned
    parameter = parameters.args[0].arg
    if not isinstance(argument, ast.Name) or argument.id not in names or parameter in names | bound:
        raise Unplanned
    made = Inlined()
    made.body, made.parameter, made.name = check.body, parameter, argument.id
    return made


def _check_imports(block: Sequence[ast.stmt]) -> None:
    """Raise Unplanned for an import that is not made before anything else, or that a condition decides on."""
    begun = False
    for statement in block:
        begun = begun or not harmless(statement)
        inside = [] if isinstance(statement, Inlined) else nodes_of(statement)
        if begun and any(isinstance(node, ast.Import) for node in inside):
            raise Unplanned


def _imports_math(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import) and ast.unparse(node) == IMPORT
