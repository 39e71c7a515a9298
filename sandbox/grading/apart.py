"""Statements of tests that make no sense apart from the program's file: imports of it, what runs the tests, tests that are left out."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence

from sandbox.grading.names import read_and_bound
from sandbox.grading.trees import dotted, nodes_of

PACKAGES = frozenset({"numpy", "pytest", "scipy", "pandas", "sympy", "networkx", "sortedcontainers"})
PROGRAM_FILES = frozenset(
    [
        "solution",
        "main",
        "answer",
        "candidate",
        "submission",
        "program",
        "module",
        "my_module",
        "your_module",
        "my_solution",
        "task",
        "app",
    ]
)  # by which tests import the program
SKIPPED = re.compile(r"pytest\.mark\.(?:skip|xfail)\b|unittest\.(?:skip|expectedFailure)\b")


class BadTests(ValueError):
    """Tests that cannot be read or run; the message says what was found and expected."""


def without_program_imports(tree: ast.Module, imports: Sequence[ast.AST]) -> set[str] | None:
    """`from solution import f`: the statement goes, the names are the program's. Return None where there is no such statement."""
    names: set[str] = set()
    found = False
    for node in imports:
        top = node.module.split(".")[0] if isinstance(node, ast.ImportFrom) and node.module else None
        if isinstance(node, ast.ImportFrom) and top not in sys.stdlib_module_names | PACKAGES | {"__future__"}:
            found, names = True, names | ({alias.name for alias in node.names} - {"*"})
            _Plainly(node).visit(tree)
        elif isinstance(node, ast.Import) and (module := _program_module(node)):
            if _is_more_than_a_prefix(tree, node, module):
                raise BadTests(f"the tests use the module {module} of the program, of which only the names are known")
            used = (one for one in nodes_of(tree) if isinstance(one, ast.Attribute) and dotted(one.value) == module)
            found, names = True, names | {one.attr for one in used}
            _Plainly(node, module).visit(tree)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] not in sys.stdlib_module_names | PACKAGES:
                    raise BadTests(f"the tests import the module {alias.name}, which is not part of Python")
    if not tree.body:
        tree.body.append(ast.Pass())
    return names if found else None


def _program_module(node: ast.Import) -> str | None:
    """Return the name under which the tests import the program's file."""
    one = node.names[0]
    return (one.asname or one.name) if len(node.names) == 1 and one.name in PROGRAM_FILES else None


def _is_more_than_a_prefix(tree: ast.Module, statement: ast.Import, module: str) -> bool:
    """Return whether `module` is more than what stands before names that the tests read, and bind nowhere themselves."""
    nodes = nodes_of(tree)
    prefixes = [
        one for one in nodes
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == module
    ]  # fmt: skip
    uses = sum(isinstance(one, ast.Name) and one.id == module for one in nodes)
    bound = _bound(nodes, statement, module)
    return (
        uses > len(prefixes)
        or module in bound
        or any(not isinstance(one.ctx, ast.Load) or one.attr in bound for one in prefixes)
    )


def _bound(nodes: Sequence[ast.AST], statement: ast.Import, module: str) -> set[str]:
    """Return the names that the tests bind, but for `total = solution.total`."""
    as_they_are = {
        id(node.targets[0])
        for node in nodes
        if isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and ast.unparse(node.value) == f"{module}.{ast.unparse(node.targets[0])}"
    }
    return read_and_bound([node for node in nodes if node is not statement and id(node) not in as_they_are])[1]


class _Plainly(ast.NodeTransformer):
    """Puts in the place of an import of the program what makes its names known (`g = f` for `import f as g`), and `f` for `module.f`."""

    def __init__(self, statement: ast.stmt, module: str = "") -> None:
        self.statement, self.module = statement, module

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        if node is not self.statement:
            return node
        renamed = [one for one in node.names if one.asname]
        made: list[ast.stmt] = [
            ast.Assign([ast.Name(str(one.asname), ast.Store())], ast.Name(one.name, ast.Load())) for one in renamed
        ]
        return made or ast.Pass()

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        return ast.Pass() if node is self.statement else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        plain = self.module and isinstance(node.value, ast.Name) and node.value.id == self.module
        return ast.Name(node.attr, node.ctx) if plain else node


def without_skipped(tree: ast.Module) -> bool:
    """Tests that pytest leaves out, or of which it wants that they fail, are none, unless others use them. Return whether there were any."""
    holders: list[ast.Module | ast.ClassDef] = [tree, *(one for one in tree.body if isinstance(one, ast.ClassDef))]
    skipped = [one for node in holders for one in node.body if any(map(SKIPPED.match, _decorators(one)))]
    if not skipped:
        return False
    used = {one.id for one in nodes_of(tree) if isinstance(one, ast.Name)}
    left_out = [one for one in skipped if getattr(one, "name", "") not in used]
    for node in holders:
        node.body = [one for one in node.body if one not in left_out] or [ast.Pass()]
    return bool(left_out)


class _Asserting(ast.NodeTransformer):
    """`if wrong: raise AssertionError` is an assert, and `if found != expected` one that they are equal."""

    def visit_If(self, node: ast.If) -> ast.stmt:
        self.generic_visit(node)
        if node.orelse or not raises_its_error(node):
            return node
        return ast.copy_location(ast.Assert(as_equality(node.test) or ast.UnaryOp(ast.Not(), node.test), None), node)


def raises_its_error(node: ast.If) -> bool:
    """Return whether all that a condition leads to is `raise AssertionError`."""
    raised = node.body[0].exc if len(node.body) == 1 and isinstance(node.body[0], ast.Raise) else None
    kind = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(kind, ast.Name) and kind.id == "AssertionError"


def as_equality(test: ast.expr) -> ast.Compare | None:
    """Return `a == b` for `a != b`, and None for anything else."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.NotEq):
        return ast.Compare(test.left, [ast.Eq()], test.comparators)
    return None


def make_asserts(tree: ast.Module) -> None:
    """Make asserts of what raises their error."""
    _Asserting().visit(tree)


def _decorators(node: ast.stmt) -> list[str]:
    return [ast.unparse(one) for one in getattr(node, "decorator_list", ())]


def open_main_guards(tree: ast.Module) -> bool:
    """What stands under `if __name__ == "__main__"` runs, but for the call of a test runner. Return whether anything is another now."""
    opened: list[ast.stmt] = []
    for node in tree.body:
        guard = (
            isinstance(node, ast.If) and "__name__" in ast.unparse(node.test) and "__main__" in ast.unparse(node.test)
        )
        opened += node.body if guard and isinstance(node, ast.If) else [node]
    opened = [node for node in opened if not _runs_tests(node)] or [ast.Pass()]
    changed, tree.body = opened != tree.body, opened
    return changed


def _runs_tests(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func) in ("unittest.main", "pytest.main", "sys.exit", "main")
