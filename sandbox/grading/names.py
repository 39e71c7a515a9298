"""What tests take from the program: names that they read and nobody else defines."""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache

from sandbox.grading.trees import Function, dotted, nodes_of, of_kinds
from tasks.domain.python_source import parsed

STAR_MODULES = frozenset(
    [
        "math",
        "itertools",
        "collections",
        "typing",
        "functools",
        "operator",
        "string",
        "decimal",
        "fractions",
        "datetime",
        "heapq",
        "bisect",
    ]
)
IMPORTS = (ast.Import, ast.ImportFrom)
BINDING = frozenset({ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.ExceptHandler, ast.arg, *IMPORTS})
COMPARING = frozenset({ast.Compare, ast.Call})


def names_and_modules(
    nodes: Sequence[ast.AST], entry_point: str | None, known: frozenset[str]
) -> tuple[set[str], set[str]]:
    """Return names of the program, and modules that the tests use without importing them."""
    free = _free_names(nodes) - known - {"__file__"}
    plain = {name for name in free if not hasattr(builtins, name) or name == entry_point}
    modules = {
        name for name in plain if name in sys.stdlib_module_names and name != entry_point and _is_module(nodes, name)
    }
    names = plain - modules
    if not names and entry_point is None and (called := _called_builtin(nodes, free)):
        names = {called}
    return names, modules


def _is_module(nodes: Sequence[ast.AST], name: str) -> bool:
    """Return whether the name can be a module: a name that is only ever called cannot."""
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    uses = [node for node in nodes if isinstance(node, ast.Name) and node.id == name]
    return any(id(node) not in called for node in uses)


def _called_builtin(nodes: Sequence[ast.AST], free: set[str]) -> str | None:
    """The built-in function that a program must define, where the tests call nothing else: the innermost of every assert."""
    asserts = [node.test for node in nodes if isinstance(node, ast.Assert)]
    found = [set(_innermost(test, free)) for test in asserts]
    common = set.intersection(*found) if found else set()
    return common.pop() if len(common) == 1 else None


def _innermost(node: ast.AST, free: set[str]) -> Iterator[str]:
    """Return names of functions whose call has no other call among its arguments."""
    for call in nodes_of(node):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in free):
            continue
        if not any(isinstance(inner, ast.Call) for argument in call.args for inner in nodes_of(argument)):
            yield call.func.id


def _free_names(nodes: Sequence[ast.AST]) -> set[str]:
    """Return names that the tests read and do not define."""
    read, bound = read_and_bound(nodes)
    return read - bound


def read_and_bound(nodes: Sequence[ast.AST]) -> tuple[set[str], set[str]]:
    """Return the names that are read, and those that are given something, in whatever scope."""
    read: set[str] = set()
    bound: set[str] = set()
    for node in nodes:
        kind = type(node)
        if kind is ast.Name:
            (read if type(node.ctx) is ast.Load else bound).add(node.id)  # type: ignore[attr-defined]
        elif kind is not ast.Constant and kind in BINDING:
            bound.update(_bound_by(node))
    return read, bound


def _bound_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, IMPORTS):
        return _imported(node)
    name: str | None = getattr(node, "name", None)
    return [name] if name else []


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    names = [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    if names == ["*"] and isinstance(node, ast.ImportFrom) and node.module in STAR_MODULES:
        return [name for name in dir(importlib.import_module(node.module)) if not name.startswith("_")]
    return names


def outcomes(nodes: Sequence[ast.AST], names: set[str]) -> set[str]:
    """Return constants of the program, `RED` and `Color.RED`, that something of it is compared with."""
    found: set[str] = set()
    for sides in filter(None, map(_compared, of_kinds(nodes, COMPARING))):
        constants = [one for one in sides if is_member(one, names) or (isinstance(one, ast.Name) and one.id in names)]
        if any(not isinstance(one, ast.Constant) for one in sides if one not in constants):
            found |= {dotted(one) for one in constants}
    return found


def _compared(node: ast.AST) -> list[ast.expr]:
    """Return the sides of a comparison, with the items of one that is written down."""
    if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.Is | ast.In) for op in node.ops):
        sides = [node.left, *node.comparators]
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("assertEqual", "assertIs")
    ):
        sides = node.args[:2]
    else:
        return []
    return [
        item for side in sides for item in (side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side])
    ]


def is_member(node: ast.AST, names: Container[str]) -> bool:
    """Return whether this is a constant of a class of the program."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr.isupper()
        and isinstance(node.value, ast.Name)
        and node.value.id in names
    )


@lru_cache(maxsize=4096)
def prompt_names(prompt: str) -> frozenset[str] | None:
    """What the prompt's helpers define; the tests use those, whatever the program makes of them. None: not Python."""
    tree = _prompt_tree(prompt)
    if tree is None:
        return None
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imports = (name for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom) for name in _imported(node))
    return frozenset(functions.union(imports))


@lru_cache(maxsize=4096)
def prompt_binds(prompt: str) -> frozenset[str]:
    """Every name that the prompt gives to something, wherever in it; `*` where it takes names that are not known."""
    nodes = nodes_of(_prompt_tree(prompt) or ast.Module([], []))
    found = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    found |= {node.name for node in nodes if isinstance(node, ast.ClassDef | Function)}
    imports = (node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
    return frozenset(found.union(*map(_imported, imports)))


def _prompt_tree(prompt: str) -> ast.Module | None:
    for text in (prompt, f"{prompt.rstrip()}\n    pass\n"):
        try:
            return parsed(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None
