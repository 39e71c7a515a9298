"""What tests make of an argument of the call that they compare it with is made before the call: the program may empty the argument.

    assert f(items) == sorted(items)            the sides change places
    found = f(items)
    assert found == sorted(items)               what is expected gets a name before the call

Not where the expected value is the argument itself, a copy of it or its length: `assert shrink(items) == len(items)` is about the list as
it is then. A function of the tests that gets the very arguments of the call (`f(items) == brute(items)`) says what is expected, too, if
it has nothing to do with the program: it is called where it stands, with copies that were made before the call of the program.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass

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
ALSO_NEW = frozenset({"upper", "lower", "reduce"})
COPIES = frozenset({"list", "tuple", "set", "dict", "copy"})
EXPECTED = "_restem_expected_{}"


def functions_apart(tree: ast.Module, names: Set[str]) -> frozenset[str]:
    """Return the functions of the tests that have nothing to do with the program, and keep nothing."""
    nodes = nodes_of(tree)
    defined = {node.name: nodes_of(node) for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in nodes:  # `brute = lambda items: ...`
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Lambda)
            and isinstance(node.targets[0], ast.Name)
        ):
            defined[node.targets[0].id] = nodes_of(node.value)
    if not defined:
        return frozenset()
    of_program = names | _made_of(nodes, names)
    read = {name: _read_from_outside(inside) for name, inside in defined.items()}
    involved = {
        name
        for name, inside in defined.items()
        if read[name] & of_program or any(isinstance(one, ast.Global | ast.Nonlocal | ast.Assert) for one in inside)
    }
    while more := {name for name in defined.keys() - involved if read[name] & involved}:
        involved |= more
    return frozenset(defined.keys() - involved)


def _made_of(nodes: list[ast.AST], names: Set[str]) -> set[str]:
    """Return the names that are given something of the program: `store` of `store = Store()`."""
    given: list[tuple[list[ast.expr], ast.expr]] = []
    for node in nodes:
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Lambda):
            given.append((node.targets, node.value))
        elif isinstance(node, ast.For):
            given.append(([node.target], node.iter))
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            given.append(([node.optional_vars], node.context_expr))
        elif isinstance(node, ast.NamedExpr):
            given.append(([node.target], node.value))
    found: set[str] = set()
    while (
        more := {name for targets, value in given if _reads(value, names | found) for name in _stored(targets)} - found
    ):
        found |= more
    return found


def _read_from_outside(inside: list[ast.AST]) -> set[str]:
    """Return the names that a function reads and does not bind, with attributes of `self`."""
    own = {one.arg for one in inside if isinstance(one, ast.arg)} | set(_stored(inside))
    return {one.id for one in inside if isinstance(one, ast.Name)} - own


def _stored(nodes: Iterable[ast.AST]) -> list[str]:
    names = [one for node in nodes for one in nodes_of(node) if isinstance(one, ast.Name)]
    return [one.id for one in names if isinstance(one.ctx, ast.Store)]


def is_reference(expected: ast.expr, asked: ast.expr, apart: Set[str]) -> bool:
    """Return whether this is a call of a function of the tests, with the arguments of a call in `asked`."""
    call = _whole_call(expected)
    if (
        call is None
        or not _function_of(call) & apart
        or not (call.args or call.keywords)
        or isinstance(asked, ast.Starred)
    ):
        return False
    given = _given(call)
    others = (node for node in nodes_of(asked) if isinstance(node, ast.Call) and not _function_of(node) & apart)
    return any(isinstance(node, ast.Name) for one in call.args for node in nodes_of(one)) and given in map(
        _given, others
    )


def given_first(expected: ast.expr, apart: Set[str], given: ast.expr) -> ast.expr | None:
    """Make a call of a function of the tests take what was `given`; return what is to be evaluated for it before the call of the program."""
    call = _whole_call(expected)
    if call is None or not _function_of(call) & apart:
        return None
    before = ast.Call(ast.Name("_restem_given", ast.Load()), [call.func, *call.args], call.keywords)
    call.func, call.args, call.keywords = ast.Name("_restem_reference", ast.Load()), [given], []
    return before


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


def is_made_of_arguments(expected: ast.expr, asked: ast.expr, names: Set[str], apart: Set[str]) -> bool:
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
    made = all(_name_of(one) in (MAKES_NEW | ALSO_NEW) - names or _of_a_module(one) for one in calls)
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
                count = _references_first(block, apart, count)
                count = _in_block(block, names, apart, count)


def _references_first(block: list[ast.stmt], apart: Set[str], count: int) -> int:
    """What `wanted = brute(items)` is given is copied before `found = f(items)` that it follows, where both are compared; the same in
    `found, wanted = f(items), brute(items)`."""
    place = 0
    while place < len(block):
        pair = _pair_at(block, place)
        if pair is not None and is_reference(pair.expected, pair.asked, apart) and pair.is_compared(block):
            name, count = EXPECTED.format(count), count + 1
            before = given_first(pair.expected, apart, ast.Name(name, ast.Load()))
            if before is not None:
                block.insert(place, ast.Assign([ast.Name(name, ast.Store())], before))
                place += 1
        place += 1
    return count


@dataclass(frozen=True)
class _Pair:
    """What is `asked` of the program and given to the names `found`, and what is `expected` and given to `wanted`. Both are there before the
    statement at `after`."""

    asked: ast.expr
    found: frozenset[str]
    expected: ast.expr
    wanted: frozenset[str]
    after: int

    def is_compared(self, block: list[ast.stmt]) -> bool:
        """Return whether a later comparison, or call, has both on different sides."""
        later = (one for statement in block[self.after :] for one in nodes_of(statement))
        sides = (
            [one.left, *one.comparators] if isinstance(one, ast.Compare) else one.args
            for one in later
            if isinstance(one, ast.Compare | ast.Call)
        )
        return any(
            any(_reads(one, self.found) for one in several) and any(_reads(one, self.wanted) for one in several)
            for several in sides
        )


def _pair_at(block: list[ast.stmt], place: int) -> _Pair | None:
    first = block[place]
    if not isinstance(first, ast.Assign):
        return None
    target = first.targets[0]
    if (
        isinstance(first.value, ast.Tuple)
        and isinstance(target, ast.Tuple)
        and len(first.value.elts) == len(target.elts) == 2
    ):
        (asked, expected), (found, wanted) = first.value.elts, target.elts
        return _Pair(asked, frozenset(_stored([found])), expected, frozenset(_stored([wanted])), place + 1)
    at = place + 1
    while at < len(block) - 1 and _prints(block[at]):
        at += 1
    second = block[at] if at < len(block) else None
    bound = frozenset(_stored(first.targets))
    if not isinstance(second, ast.Assign) or _reads(second, bound):
        return None
    return _Pair(first.value, bound, second.value, frozenset(_stored(second.targets)), at + 1)


def _prints(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "print"


def _asserts(node: ast.Expr) -> bool:
    return ast.unparse(node).startswith("self.assert")


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
            if isinstance(statement, ast.Expr) and compared is None and not (_prints(statement) or _asserts(statement)):
                break  # it may change what is compared
            if compared is None or not _reads(compared[0], {found}):
                continue
            sides, side = compared[1:]
            if _reads(sides[side], {found}):
                continue  # `items = f(items)`: what is expected is made of the answer
            if is_made_of_arguments(sides[side], asked, names, apart) and not _is_copy(sides[side]):
                name, count = EXPECTED.format(count), count + 1
                before = given_first(sides[side], apart, ast.Name(name, ast.Load()))
                made.append(ast.Assign([ast.Name(name, ast.Store())], sides[side] if before is None else before))
                if before is None:
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
