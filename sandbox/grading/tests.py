"""Test cases as records, and how they are read from the two shapes in which problems carry them.

{"inputs": [...], "outputs": [...], "fn_name": "f"?}     APPS: standard input and output, or arguments and return value
{"prompt": "...", "test": "...", "entry_point": "f"?}    HumanEval, MBPP: asserts, trusted code
"""

from __future__ import annotations

import ast
import builtins
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


class BadTests(ValueError):
    """Tests that cannot be read; the message says what was found and expected."""


@dataclass(frozen=True)
class StdinTest:
    """What the program reads, and what it must print."""

    stdin: bytes
    expected: bytes


@dataclass(frozen=True)
class CallTest:
    """A call of `function`, and the value that it must return (as JSON gives both)."""

    function: str
    arguments: tuple[Any, ...]
    expected: Any


@dataclass(frozen=True)
class AssertTests:
    """Trusted test code. `total` asserts, rewritten in `code`; `names` come from the program, `modules` from Python.

    `code_all` goes on after an assert that fails, `code` stops there.
    """

    prompt: str
    code: str
    code_all: str
    total: int
    names: tuple[str, ...]
    modules: tuple[str, ...]


Case = StdinTest | CallTest
Tests = tuple[Case, ...] | AssertTests


def count(tests: Tests) -> int:
    """How many tests there are."""
    return tests.total if isinstance(tests, AssertTests) else len(tests)


@lru_cache(maxsize=4096)
def read_tests(text: str) -> Tests:
    """Tests from their JSON text. Raises BadTests."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadTests(f"the tests are not JSON ({error})") from error
    return tests_of(record)


def tests_of(record: Any) -> Tests:
    """Tests from a record in one of the two shapes. Raises BadTests."""
    if not isinstance(record, Mapping):
        raise BadTests(f"the tests are a {type(record).__name__}, expected an object with inputs and outputs, or test")
    if "inputs" in record or "outputs" in record:
        return _cases(record)
    if isinstance(record.get("test"), str):
        return assert_tests(str(record.get("prompt") or ""), record["test"], record.get("entry_point"))
    raise BadTests(f"found the keys {', '.join(map(str, record)) or 'none'}; expected inputs and outputs, or test")


def _cases(record: Mapping[str, Any]) -> tuple[Case, ...]:
    inputs, outputs, function = record.get("inputs"), record.get("outputs"), record.get("fn_name")
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
        raise BadTests(f"found inputs {_shape(inputs)} and outputs {_shape(outputs)}; expected two lists of one length")
    if function is None:
        return tuple(StdinTest(_bytes(one), _bytes(other)) for one, other in zip(inputs, outputs, strict=True))
    if not isinstance(function, str) or not function.isidentifier():
        raise BadTests(f"fn_name is {function!r}, expected the name of a function")
    return tuple(CallTest(function, _arguments(one), other) for one, other in zip(inputs, outputs, strict=True))


def _shape(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else f"of type {type(value).__name__}"


def _bytes(value: Any) -> bytes:
    """A text, or a list of lines; a lone surrogate of the JSON text is kept."""
    text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.encode("utf-8", "surrogatepass")


def _arguments(value: Any) -> tuple[Any, ...]:
    """The list of arguments; a mapping as the first one has its whole-number keys back, which JSON wrote as texts."""
    arguments = list(value) if isinstance(value, list) else [value]
    if arguments and isinstance(arguments[0], dict):
        keys = [str(key) for key in arguments[0]]
        if keys and all(key.lstrip("-").isdecimal() and key.isascii() for key in keys):
            arguments[0] = {int(key): item for key, item in arguments[0].items()}
    return tuple(arguments)


@lru_cache(maxsize=4096)
def assert_tests(prompt: str, test: str, entry_point: str | None = None) -> AssertTests:
    """Asserts, made countable. A prompt that is not Python is only words. HumanEval's `check` is called with the entry point unless the tests do it themselves."""
    try:
        tree = ast.parse(test.replace("\r\n", "\n"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadTests(f"the test code does not parse ({error})") from error
    if _needs_call(tree) and entry_point:
        tree.body.append(ast.Expr(ast.Call(ast.Name("check", ast.Load()), [ast.Name(entry_point, ast.Load())], [])))
    free = _free_names(tree, entry_point)
    known = _prompt_names(prompt)
    modules = {name for name in free - (known or set()) if name in sys.stdlib_module_names and name != entry_point}
    first, every = _Rewriter(goes_on=False), _Rewriter(goes_on=True)
    code, code_all = (ast.unparse(ast.fix_missing_locations(one.rewritten(tree))) for one in (first, every))
    names = (free - modules - (known or set())) | ({entry_point} if entry_point else set())
    return AssertTests(
        "" if known is None else prompt, code, code_all, first.total, tuple(sorted(names)), tuple(sorted(modules))
    )


def _needs_call(tree: ast.Module) -> bool:
    """Whether a function `check` is defined and never called."""
    defined = any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body)
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return defined and not any(isinstance(function, ast.Name) and function.id == "check" for function in calls)


def _free_names(tree: ast.Module, entry_point: str | None) -> set[str]:
    """Names that the tests read and neither they nor Python define."""
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    }
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound |= {
        name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for name in _imported(node)
    }
    bound |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name}
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return {name for name in read - bound if not hasattr(builtins, name) or name == entry_point}


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [(alias.asname or alias.name).split(".")[0] for alias in node.names]


@lru_cache(maxsize=4096)
def _prompt_names(prompt: str) -> frozenset[str] | None:
    """What the prompt's helpers define; the tests use those, whatever the program makes of them. None: not Python."""
    for text in (prompt, f"{prompt.rstrip()}\n    pass\n"):
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        imports = (
            name for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom) for name in _imported(node)
        )
        return frozenset(functions.union(imports))
    return None


class _Rewriter(ast.NodeTransformer):
    """Each `assert` tells its number; `goes_on`: also past one that fails."""

    def __init__(self, goes_on: bool) -> None:
        self.goes_on, self.total = goes_on, 0

    def rewritten(self, tree: ast.Module) -> ast.Module:
        copy: ast.Module = self.visit(ast.parse(ast.unparse(tree)))
        return copy

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        number = self.total
        self.total += 1
        stops = "" if self.goes_on else "\n    raise AssertionError"
        (made,) = ast.parse(f"if 0:\n    _restem_passed({number})\nelse:\n    _restem_failed({number}){stops}").body
        assert isinstance(made, ast.If)
        made.test = node.test
        if not self.goes_on:
            return made
        (guard,) = ast.parse(
            f"try: pass\nexcept Exception as _restem_error: _restem_failed({number}, _restem_error)"
        ).body
        assert isinstance(guard, ast.Try)
        guard.body = [made]
        return guard
