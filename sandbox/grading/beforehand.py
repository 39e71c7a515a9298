"""What tests make of an argument of the call that they compare it with is made before the call: the program may empty the argument.

    assert f(items) == sorted(items)            the sides change places
    found = f(items)
    assert found == sorted(items)               what is expected gets a name before the call

Not where the expected value is the argument itself, a copy of it or its length: `assert shrink(items) == len(items)` is about the list as
it is then. Functions of the tests are not looked into.
"""

from __future__ import annotations

import ast
from collections.abc import Set

from sandbox.grading.trees import nodes_of

# functions and methods by which tests make something new of an argument
MAKES_NEW = frozenset({
    "sorted", "sum", "min", "max", "set", "list", "tuple", "dict", "reversed", "any", "all", "abs", "str", "zip", "map", "filter", "enumerate",
    "range", "Counter", "values", "items", "keys", "copy", "count", "index", "get", "union", "intersection", "difference", "join",
})  # fmt: skip
COPIES = frozenset({"list", "tuple", "set", "dict", "copy"})
EXPECTED = "_restem_expected_{}"


def is_made_of_arguments(expected: ast.expr, asked: ast.expr, names: Set[str]) -> bool:
    """Return whether something new is expected that the tests make of an argument of the call. `names` are the program's."""
    nodes = nodes_of(expected)
    read = {node.id for node in nodes if isinstance(node, ast.Name)}
    slices = any(isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) for node in nodes)
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    if not (calls or slices or isinstance(expected, ast.BinOp | ast.ListComp)) or read & names:
        return False
    if any(isinstance(node, ast.NamedExpr | ast.Await | ast.Lambda) for node in nodes):
        return False
    return all(_name_of(one) in MAKES_NEW - names for one in calls) and bool(read & _names_of_arguments(asked, names))


def _names_of_arguments(asked: ast.expr, names: Set[str]) -> set[str]:
    """Return the names among the arguments of calls of anything but `MAKES_NEW`."""
    calls = [node for node in nodes_of(asked) if isinstance(node, ast.Call)]
    calls = [call for call in calls if _name_of(call.func) not in MAKES_NEW - names]
    arguments = [one for call in calls for one in (*call.args, *(named.value for named in call.keywords))]
    return {node.id for one in arguments for node in nodes_of(one) if isinstance(node, ast.Name)}


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def asserts_equal(node: ast.Call) -> bool:
    """Return whether this is `self.assertEqual(found, expected)` or its like."""
    function = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return function.startswith("assert") and function.endswith("Equal") and len(node.args) > 1


def make_beforehand(tree: ast.Module, names: Set[str]) -> None:
    """Name what is expected before `found = f(items)`, where the comparisons follow it at once."""
    count = 0
    for node in nodes_of(tree):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None), getattr(node, "finalbody", None)):
            if isinstance(block, list) and any(isinstance(one, ast.Assign) for one in block):
                count = _in_block(block, names, count)


def _in_block(block: list[ast.stmt], names: Set[str], count: int) -> int:
    for place in reversed(range(len(block))):
        call, found, asked = block[place], "", ast.expr()
        if isinstance(call, ast.Assign) and len(call.targets) == 1 and isinstance(call.targets[0], ast.Name):
            found, asked = call.targets[0].id, call.value
        made: list[ast.stmt] = []
        for statement in block[place + 1 :] if found else ():
            compared = _compared(statement)
            if compared is None or getattr(compared[0], "id", "") != found:
                break
            sides, side = compared[1:]
            if any(isinstance(node, ast.Name) and node.id == found for node in nodes_of(sides[side])):
                break  # `items = f(items)`: what is expected is made of the answer
            if is_made_of_arguments(sides[side], asked, names) and not _is_copy(sides[side]):
                name, count = EXPECTED.format(count), count + 1
                made.append(ast.Assign([ast.Name(name, ast.Store())], sides[side]))
                sides[side] = ast.Name(name, ast.Load())
        block[place:place] = made
    return count


def _compared(statement: ast.stmt) -> tuple[ast.expr, list[ast.expr], int] | None:
    """Return what is compared, and where what it is compared with stands, of `assert found == expected` and `self.assertEqual(found, expected)`."""
    if isinstance(statement, ast.Assert):
        test = statement.test
        equal = isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)
        return (test.left, test.comparators, 0) if equal and isinstance(test, ast.Compare) else None
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (call.args[0], call.args, 1) if isinstance(call, ast.Call) and asserts_equal(call) else None


def _is_copy(expected: ast.expr) -> bool:
    return isinstance(expected, ast.Call) and _name_of(expected.func) in COPIES
