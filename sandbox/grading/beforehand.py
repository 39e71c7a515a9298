"""What tests make of an argument of the call that they compare it with is made before the call: the program may empty the argument.

    assert f(items) == sorted(items)            the sides change places
    found = f(items)
    assert found == sorted(items)               what is expected gets a name before the call

Not where the expected value is the argument itself, a copy of it or its length: `assert shrink(items) == len(items)` is about the list as
it is then. A function of the tests that gets the very arguments of the call (`f(items) == brute(items)`) says what is expected, too, if
it has nothing to do with the program.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Set

from sandbox.grading.trees import nodes_of

# functions and methods by which tests make something new of an argument
MAKES_NEW = frozenset({
    "sorted", "sum", "min", "max", "set", "list", "tuple", "dict", "reversed", "any", "all", "abs", "str", "zip", "map", "filter", "enumerate",
    "range", "Counter", "values", "items", "keys", "copy", "count", "index", "get", "union", "intersection", "difference", "join",
})  # fmt: skip
OF_MODULES = re.compile(
    r"(?:math|statistics|functools|itertools|operator|collections|np|numpy)\.\w+"
)  # functions that make something new
NEW = (ast.BinOp, ast.ListComp, ast.SetComp, ast.DictComp)
COPIES = frozenset({"list", "tuple", "set", "dict", "copy"})
EXPECTED = "_restem_expected_{}"


def functions_apart(tree: ast.Module, names: Set[str]) -> frozenset[str]:
    """Return the functions of the tests that have nothing to do with the program, and keep nothing."""
    defined = {node.name: nodes_of(node) for node in nodes_of(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in nodes_of(tree):  # `brute = lambda items: ...`
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Lambda)
            and isinstance(node.targets[0], ast.Name)
        ):
            defined[node.targets[0].id] = nodes_of(node.value)
    read = {name: {one.id for one in nodes if isinstance(one, ast.Name)} for name, nodes in defined.items()}
    involved = {
        name
        for name, nodes in defined.items()
        if read[name] & names or any(isinstance(one, ast.Global | ast.Nonlocal | ast.Assert) for one in nodes)
    }
    while more := {name for name in defined.keys() - involved if read[name] & involved}:
        involved |= more
    return frozenset(defined.keys() - involved)


def is_reference(expected: ast.expr, asked: ast.expr, apart: Set[str]) -> bool:
    """Return whether this is a call of a function of the tests, with the arguments of a call in `asked`."""
    call = _whole_call(expected)
    if call is None or not _function_of(call) & apart or not (call.args or call.keywords):
        return False
    given = _given(call)
    others = (node for node in nodes_of(asked) if isinstance(node, ast.Call) and not _function_of(node) & apart)
    return any(isinstance(node, ast.Name) for one in call.args for node in nodes_of(one)) and given in map(
        _given, others
    )


def asked_first(expected: ast.expr, apart: Set[str]) -> ast.expr:
    """Return what is expected, to be made before the call: a function of the tests gets copies of the arguments, which it may change."""
    call = _whole_call(expected)
    if call is not None and _function_of(call) & apart:
        call.args, call.func = [call.func, *call.args], ast.Name("_restem_reference", ast.Load())
    return expected


def _whole_call(expected: ast.expr) -> ast.Call | None:
    """Return the innermost call of `sorted(brute(items))`."""
    while isinstance(expected, ast.Call) and _name_of(expected.func) in MAKES_NEW and len(expected.args) == 1:
        inner = expected.args[0]
        if not isinstance(inner, ast.Call):
            break
        expected = inner
    return expected if isinstance(expected, ast.Call) else None


def _function_of(call: ast.Call) -> set[str]:
    """Return the name of what is called: `brute`, also of `Reference().brute` and `self.brute`."""
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call) and not function.value.args:
        function = function.value.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "self":
        return {function.attr}
    return {function.id} if isinstance(function, ast.Name) else set()


def _given(call: ast.Call) -> tuple[str, ...]:
    return tuple(map(ast.dump, (*call.args, *call.keywords)))


def is_made_of_arguments(expected: ast.expr, asked: ast.expr, names: Set[str], apart: Set[str] = frozenset()) -> bool:
    """Return whether something new is expected that the tests make of an argument of the call. `names` are the program's, `apart` what
    `functions_apart` found."""
    if is_reference(expected, asked, apart):
        return True
    nodes = nodes_of(expected)
    read = {node.id for node in nodes if isinstance(node, ast.Name)}
    slices = any(isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) for node in nodes)
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    if not (calls or slices or isinstance(expected, NEW)) or read & names:
        return False
    if any(isinstance(node, ast.NamedExpr | ast.Await) for node in nodes):
        return False
    made = all(
        _name_of(one) in (MAKES_NEW | {"upper", "lower", "reduce"}) - names or _of_a_module(one) for one in calls
    )
    return made and bool(read & _names_of_arguments(asked, names))


def _of_a_module(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and OF_MODULES.fullmatch(ast.unparse(function)) is not None


def _names_of_arguments(asked: ast.expr, names: Set[str]) -> set[str]:
    """Return the names among the arguments of calls of anything but `MAKES_NEW`."""
    calls = [node for node in nodes_of(asked) if isinstance(node, ast.Call)]
    calls = [call for call in calls if _name_of(call.func) not in MAKES_NEW - names and not _of_a_module(call.func)]
    arguments = [one for call in calls for one in (*call.args, *(named.value for named in call.keywords))]
    return {node.id for one in arguments for node in nodes_of(one) if isinstance(node, ast.Name)}


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def asserts_equal(node: ast.Call) -> bool:
    """Return whether this is `self.assertEqual(found, expected)` or its like."""
    function = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return function.startswith("assert") and function.endswith("Equal") and len(node.args) > 1


def make_beforehand(tree: ast.Module, names: Set[str], apart: Set[str]) -> None:
    """Name what is expected before `found = f(items)`, where the comparisons follow it at once."""
    count = 0
    for node in nodes_of(tree):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None), getattr(node, "finalbody", None)):
            if isinstance(block, list) and any(isinstance(one, ast.Assign) for one in block):
                _references_first(block, apart)
                count = _in_block(block, names, apart, count)


def _references_first(block: list[ast.stmt], apart: Set[str]) -> None:
    """`wanted = brute(items)` goes before `found = f(items)` that it follows."""
    for place in range(len(block) - 1):
        call, at = block[place], place + 1
        while at < len(block) - 1 and isinstance(block[at], ast.Expr) and not _reads(block[at], apart):
            at += 1  # something is printed
        reference = block[at]
        if isinstance(call, ast.Assign) and isinstance(reference, ast.Assign):
            bound = {node.id for one in call.targets for node in nodes_of(one) if isinstance(node, ast.Name)}
            read = {node.id for node in nodes_of(reference) if isinstance(node, ast.Name)}
            if not bound & read and is_reference(reference.value, call.value, apart):
                reference.value = asked_first(reference.value, apart)
                block.insert(place, block.pop(at))


def _in_block(block: list[ast.stmt], names: Set[str], apart: Set[str], count: int) -> int:
    for place in reversed(range(len(block))):
        call, found, asked = block[place], "", ast.expr()
        if isinstance(call, ast.Assign) and len(call.targets) == 1 and isinstance(call.targets[0], ast.Name):
            found, asked = call.targets[0].id, call.value
        made: list[ast.stmt] = []
        for statement in block[place + 1 :] if found else ():
            if not isinstance(statement, ast.Assert | ast.Expr) or _reads(statement, names):
                break
            compared = _compared(statement)
            if compared is None or not _reads(compared[0], {found}):
                continue
            sides, side = compared[1:]
            if _reads(sides[side], {found}):
                continue  # `items = f(items)`: what is expected is made of the answer
            if is_made_of_arguments(sides[side], asked, names, apart) and not _is_copy(sides[side]):
                name, count = EXPECTED.format(count), count + 1
                made.append(ast.Assign([ast.Name(name, ast.Store())], asked_first(sides[side], apart)))
                sides[side] = ast.Name(name, ast.Load())
        block[place:place] = made
    return count


def _reads(node: ast.AST, names: Set[str]) -> bool:
    return any(isinstance(one, ast.Name) and one.id in names for one in nodes_of(node))


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
