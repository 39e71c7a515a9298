"""Rewrites test code so that it can run apart from the program: asserts report their number, and names are asked of the program.

Tests are asserts at the top level or in functions, HumanEval's `check(candidate)`, methods of unittest classes,
pytest's test functions. Test code is trusted, and only read here; it runs in a container.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from sandbox.grading.apart import (
    BadTests,
    as_equality,
    make_asserts,
    open_main_guards,
    raises_its_error,
    without_program_imports,
    without_skipped,
)
from sandbox.grading.beforehand import (
    asserts_equal,
    functions_apart,
    given_first,
    is_made_of_arguments,
    is_reference,
    make_beforehand,
)
from sandbox.grading.names import IMPORTS, is_member, names_and_modules, outcomes, prompt_names, read_and_bound
from sandbox.grading.trees import Function, called_names, dotted, nodes_of, of_kinds
from sandbox.grading.unsupported import reason_to_refuse
from tasks.domain.digits import any_digits
from tasks.domain.python_source import parsed

UNREACHABLE = re.compile(
    r"builtins\.(?:input|open|print)\b|\bsys\.stdin\s*=|[\"']sys\.stdin[\"']|\bmonkeypatch\b|\bcapfd\b|\btmp_path\b"
)
ASKED = frozenset({"type", "callable"})
RAISES = "raise AssertionError"
COUNTED = frozenset({"zip", "enumerate"})
UNREACHABLE_WORDS = (
    "builtins.",
    "sys.stdin",
    "monkeypatch",
    "capfd",
    "tmp_path",
)  # one of them is in all that the pattern finds
WATCHING = re.compile(r"stdout\b|\bcapsys\b")
WATCHING_WORDS = ("stdout", "capsys")
NUMPY = re.compile(r"\bnumpy\b")
__all__ = ["AssertTests", "BadTests", "assert_tests"]

Failing = Literal["stop", "go on", "pass over"]


@dataclass(frozen=True)
class AssertTests:
    """Trusted test code with `total` asserts and test functions; `names` come from the program, `modules` from Python.

    Of `apart`, constants of the program that outcomes are compared with, no two may be equal. `watch`: what the program prints
    matters. `original` is the code as it was given, with HumanEval's `check` called.
    """

    prompt: str
    original: str
    total: int
    names: tuple[str, ...]
    modules: tuple[str, ...]
    apart: tuple[str, ...] = ()
    watch: bool = False
    numpy: bool = False

    @cached_property
    def code(self) -> str:
        """Return the code in which asserts report their number; it ends at the first that fails."""
        return self._rewritten("stop")

    @cached_property
    def code_all(self) -> str:
        """Return the code that goes on after an assert that fails."""
        return self._rewritten("go on")

    @cached_property
    def code_ahead(self) -> str:
        """Return the code whose asserts report nothing, and pass what is not known yet (`sandbox/image/inside/ahead.py`)."""
        return self._rewritten("pass over")

    def _rewritten(self, failing: Failing) -> str:
        with any_digits():
            tree = _Rewriter(set(self.names), set(self.apart), failing).rewritten(parsed(self.original))
            return ast.unparse(ast.fix_missing_locations(tree))


@lru_cache(maxsize=4096)
def assert_tests(prompt: str, test: str, entry_point: str | None = None) -> AssertTests:
    """Read asserts so that they can be counted and run. A prompt that is not Python is only text. HumanEval's `check` is called with the entry point unless the tests do it themselves."""
    with any_digits():
        return _assert_tests(prompt, test, entry_point)


def _assert_tests(prompt: str, test: str, entry_point: str | None) -> AssertTests:
    test = test.replace("\r\n", "\n")
    try:
        tree = parsed(test)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadTests(f"the test code does not parse ({error})") from error
    if (found := _searched(UNREACHABLE, UNREACHABLE_WORDS, test)) is not None:
        raise BadTests(f"the tests change {found[0]!r}, which the program, in a process of its own, does not see")
    changed = without_skipped(tree)
    nodes, original = nodes_of(tree), test
    if RAISES in test and not of_kinds(nodes, {ast.Assert}) and not list(_test_cases(tree, nodes)):
        make_asserts(tree)
        nodes, changed = nodes_of(tree), True
    imported = without_program_imports(tree, of_kinds(nodes, IMPORTS))
    if open_main_guards(tree) or changed or imported is not None:
        nodes, original = nodes_of(tree), ast.unparse(ast.fix_missing_locations(tree))
    if entry_point and _needs_call(tree, nodes):
        original += f"\ncheck({entry_point})"
        nodes += nodes_of(parsed(f"check({entry_point})"))
    known = prompt_names(prompt)
    names, modules = names_and_modules(nodes, entry_point, known or frozenset())
    names |= (imported or set()) | ({entry_point} if entry_point and entry_point.isidentifier() else set())
    if (reason := reason_to_refuse(nodes, names)) is not None:
        raise BadTests(reason)
    total = sum(type(node) is ast.Assert for node in nodes) + len(list(_test_cases(tree, nodes)))
    return AssertTests(
        "" if known is None else prompt, original, total, tuple(sorted(names)), tuple(sorted(modules)),
        tuple(sorted(outcomes(nodes, names - {entry_point}))), _searched(WATCHING, WATCHING_WORDS, test) is not None,
        _searched(NUMPY, ("numpy",), test + (prompt if known else "")) is not None,
    )  # fmt: skip


def _searched(pattern: re.Pattern[str], words: Sequence[str], text: str) -> re.Match[str] | None:
    """Search a text, faster: most have none of the words of which each match has one."""
    return pattern.search(text) if any(word in text for word in words) else None


def _needs_call(tree: ast.Module, nodes: Sequence[ast.AST]) -> bool:
    """Return whether a function `check` is defined and never called."""
    defined = any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body)
    return defined and "check" not in called_names(nodes)


def _test_cases(tree: ast.Module, nodes: Sequence[ast.AST]) -> Iterator[tuple[str, str]]:
    """(what reports it, its code) of each unittest method and each test function that nobody calls."""
    cases: set[str] = set()
    functions = {node.name for node in tree.body if isinstance(node, Function) and re.match("test(_|$)", node.name)}
    functions -= called_names(nodes) if functions else set()
    for node in tree.body:
        if isinstance(node, Function) and node.name in functions:
            if "fixture" not in "".join(map(ast.unparse, node.decorator_list)):
                yield "_restem_function", node.name
        elif isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            methods = [one.name for one in node.body if isinstance(one, Function) and one.name.startswith("test")]
            if any(base.endswith("TestCase") or base in cases for base in bases):
                cases.add(node.name)
                yield from (("_restem_case", f"{node.name}, {name!r}") for name in methods)
            elif not bases and node.name.startswith("Test"):
                yield from (("_restem_function", f"{node.name}().{name}") for name in methods)


class _Rewriter(ast.NodeTransformer):
    """Makes each `assert` report its number. `failing`: what happens after one that fails."""

    def __init__(self, names: set[str], apart: set[str], failing: Failing) -> None:
        self.names, self.apart, self.failing, self.total = names, apart, failing, 0
        self.counted: frozenset[str] = frozenset()
        self.references: frozenset[str] = frozenset()  # functions of the tests that have nothing to do with the program

    def rewritten(self, tree: ast.Module) -> ast.Module:
        cases = list(_test_cases(tree, nodes_of(tree)))
        copy = parsed(ast.unparse(tree))
        self.references = functions_apart(copy, self.names)
        self.counted = COUNTED - self.names - read_and_bound(nodes_of(copy))[1]
        make_beforehand(copy, self.names, self.references)
        copy = self.visit(copy)
        for report, code in cases:
            copy.body += parsed(f"{report}({self.total}, {code})").body
            self.total += 1
        return copy

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a name of the program by its value at that moment: a constant, a class that stands for it, or a function."""
        if node.id not in self.names or not isinstance(node.ctx, ast.Load):
            return node
        return ast.Call(ast.Name("_restem_name", ast.Load()), [ast.Constant(node.id)], [])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Rewrite a call; a function that is only called needs no look at its value."""
        if isinstance(node.func, ast.Name) and node.func.id in ASKED - self.names and len(node.args) == 1:
            return _asked(node.func.id, self.visit(node.args[0]))
        if len(node.args) > 1 and is_reference(node.args[1], node.args[0], self.references):
            if (late := self._late_call(node)) is not None:
                return self.visit_Call(late)
        elif asserts_equal(node) and is_made_of_arguments(node.args[1], node.args[0], self.names, self.references):
            node = ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
        if isinstance(node.func, ast.Name) and node.func.id in self.counted:
            node = ast.Call(ast.Name(f"_restem_{node.func.id}", ast.Load()), node.args, node.keywords)
        items = node.args[0] if isinstance(node.func, ast.Name) and node.func.id == "all" and node.args else None
        if isinstance(items, ast.GeneratorExp | ast.ListComp):
            items.generators[0].iter = _whole(items.generators[0].iter)
        plain = isinstance(node.func, ast.Name) and not node.func.id[:1].isupper()
        function = node.func if plain else self.visit(node.func)
        return ast.Call(function, [self.visit(one) for one in node.args], [self.visit(one) for one in node.keywords])

    def visit_If(self, node: ast.If) -> ast.stmt:
        """`if f(items) != brute(items): raise AssertionError` compares as an assert does."""
        equal = as_equality(node.test) if raises_its_error(node) else None
        node.test = node.test if equal is None else ast.UnaryOp(ast.Not(), equal)
        self.generic_visit(node)
        return node

    def visit_For(self, node: ast.For) -> ast.stmt:
        """A loop that asserts something of each item looks at all that the length promises."""
        if any(isinstance(one, ast.Assert) for one in nodes_of(node)):
            node.iter = _whole(node.iter)
        self.generic_visit(node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """`f(items) - brute(items)`: what the reference is given is copied first."""
        if is_reference(node.right, node.left, self.references):
            made = ast.BinOp(_FOUND, node.op, node.right)
            return self.visit_Call(self._late(made, node.left, node.right))
        self.generic_visit(node)
        return node

    def _late_call(self, node: ast.Call) -> ast.Call | None:
        """`near(f(items), brute(items), 1e-6)`; None where it cannot be told what all the arguments are."""
        others = [*node.args[2:], *(one.value for one in node.keywords)]
        if any(isinstance(one, ast.Starred) for one in others) or not all(one.arg for one in node.keywords):
            return None
        names: list[ast.expr] = [ast.Name(_MORE.format(number), ast.Load()) for number in range(len(others))]
        more, values = names[: len(node.args) - 2], names[len(node.args) - 2 :]
        named = [ast.keyword(one.arg, value) for one, value in zip(node.keywords, values, strict=True)]
        return self._late(ast.Call(node.func, [_FOUND, node.args[1], *more], named), node.args[0], node.args[1], others)

    def _late(self, made: ast.expr, found: ast.expr, wanted: ast.expr, others: Sequence[ast.expr] = ()) -> ast.Call:
        """Make `made` of what was found and of what the reference says of copies, which are made before the program is asked."""
        given = given_first(wanted, self.references, ast.Name(_GIVEN, ast.Load()))
        assert given is not None
        names = [_GIVEN, _FOUND.id, *(_MORE.format(number) for number in range(len(others)))]
        parameters = ast.arguments([], [ast.arg(one) for one in names], None, [], [], None, [])
        return ast.Call(ast.Lambda(parameters, made), [given, found, *others], [])

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Turn `x.__class__` into `type(x)`; note the value of `Color.RED`."""
        name = dotted(node) if is_member(node, self.names) and isinstance(node.ctx, ast.Load) else ""
        self.generic_visit(node)
        if name in self.apart:
            return ast.Call(ast.Name("_restem_apart", ast.Load()), [ast.Constant(name), node], [])
        return _asked("type", node.value) if node.attr == "__class__" and isinstance(node.ctx, ast.Load) else node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Turn a comparison round: `P(1, 2) == f(1)`, so that the expected value is built only after the program was called, and
        `f(items) == sorted(items)`, so that it is made before the program can empty the list."""
        (one, *more), kinds = [node.left, *node.comparators], node.ops
        if len(more) == 1 and isinstance(kinds[0], ast.Eq):
            if is_reference(more[0], one, self.references):
                return self.visit_Call(self._late(ast.Compare(_FOUND, kinds, more), one, more[0]))
            late = self._builds(one) and self._asks(more[0])
            if late or is_made_of_arguments(more[0], one, self.names, self.references):
                node = ast.Compare(more[0], kinds, [one])
        self.generic_visit(node)
        return node

    def _builds(self, node: ast.expr) -> bool:
        called = called_names(nodes_of(node))
        return bool(called & self.names) and all(name[:1].isupper() for name in called & self.names)

    def _asks(self, node: ast.expr) -> bool:
        return any(type(one) is ast.Call for one in nodes_of(node))

    def visit_Assert(self, node: ast.Assert) -> ast.stmt | list[ast.stmt]:
        number = self.total
        self.total += 1
        if self.failing == "pass over":
            both = isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.And)
            parts = node.test.values if both and isinstance(node.test, ast.BoolOp) else [node.test]
            return [_passing_over(ast.Expr(self.visit(part))) for part in parts]
        stops = "" if self.failing == "go on" else "\n    raise AssertionError"
        (made,) = parsed(f"if 0:\n    _restem_passed({number})\nelse:\n    _restem_failed({number}){stops}").body
        assert isinstance(made, ast.If)
        made.test = self.visit(node.test)
        if self.failing == "stop":
            return made
        (guard,) = parsed(f"try: pass\nexcept Exception as _restem_error: _restem_failed({number}, _restem_error)").body
        assert isinstance(guard, ast.Try)
        guard.body = [made]
        return guard

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """`self.assertEqual(..)` is an assert too."""
        seeds = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "random.seed"
        self.generic_visit(node)
        call = node.value.func if isinstance(node.value, ast.Call) else None
        if seeds and isinstance(node.value, ast.Call):
            also = ast.Call(ast.Name("_restem_seed", ast.Load()), node.value.args, node.value.keywords)
            return ast.If(ast.Constant(True), [node, ast.Expr(also)], [])
        asserts = isinstance(call, ast.Attribute) and call.attr.startswith("assert")
        return _passing_over(node) if asserts and self.failing == "pass over" else node


_FOUND, _GIVEN, _MORE = ast.Name("_restem_found", ast.Load()), "_restem_before", "_restem_more_{}"


def _whole(items: ast.expr) -> ast.expr:
    """What is looped over; of a range or of what is written down there is nothing to check."""
    simple = isinstance(items, ast.List | ast.Tuple | ast.Dict) or ast.unparse(items).startswith(
        ("range(", "zip(", "enumerate(")
    )
    return items if simple else ast.Call(ast.Name("_restem_whole", ast.Load()), [items], [])


def _asked(function: str, value: ast.expr) -> ast.expr:
    """What a built-in function says of an object of the program, which it would not see."""
    return ast.Call(ast.Name(f"_restem_{function}", ast.Load()), [value], [])


def _passing_over(statement: ast.stmt) -> ast.stmt:
    """The statement, as far as it can go without answers."""
    (guard,) = parsed("try: pass\nexcept _restem_waits: _restem_goes_on()").body
    assert isinstance(guard, ast.Try)
    guard.body = [statement]
    return guard
