"""Tests that cannot be right apart from the program are found when they are read, and refused with the reason.

The program runs in a process of its own: it does not see what the tests do to modules, the environment or files, and they see of
it values and operations, not its frames, warnings or logs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence

from sandbox.grading.trees import called_names, dotted, of_kinds

REPLACED = re.compile(r"(?:\w+\.)*patch(?:\.(?:object|dict|multiple))?")
TOLD_ELSEWHERE = re.compile(
    r"(?:warnings\.)?catch_warnings|pytest\.(?:warns|deprecated_call)|self\.assert(?:Warns|WarnsRegex|Logs|NoLogs)"
)
LOOKS_INSIDE = re.compile(r"inspect\.\w+|(?:dataclasses\.)?(?:asdict|astuple|is_dataclass)")
ENVIRONMENT = re.compile(r"os\.(?:environ\.(?:update|setdefault|pop|clear)|putenv|unsetenv|chdir)")
FILES = re.compile(r"tempfile\.\w+|.+\.(?:write_text|write_bytes)")
FIXTURES = frozenset({"monkeypatch", "capfd", "capfdbinary", "tmp_path", "tmpdir", "caplog", "recwarn", "mocker"})
INSIDES = frozenset(
    {"__cause__", "__context__", "__traceback__", "__code__", "__closure__", "__globals__", "GeneratorType"}
)
CHANGES = frozenset(
    {"append", "extend", "insert", "add", "update", "pop", "popitem", "clear", "remove", "discard", "sort", "reverse"}
)
DECORATED = frozenset({ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef})
WRITING = re.compile(r"[wax+]")


def reason_to_refuse(nodes: Sequence[ast.AST], names: set[str]) -> str | None:
    """Return why tests with these nodes, of a program that defines `names`, cannot be run; None where they can."""
    constants = {name for name in names - called_names(nodes) if len(name) > 2 and name.isupper()}
    decorated = of_kinds(nodes, DECORATED)
    dataclasses = any(
        "dataclass" in ast.unparse(one) for node in decorated for one in getattr(node, "decorator_list", ())
    )
    for node in of_kinds(nodes, CHECKS):
        checks = CHECKS[type(node)]
        if dataclasses and isinstance(node, ast.Call) and LOOKS_INSIDE.fullmatch(dotted(node.func)):
            continue  # of classes of the tests
        for check in checks:
            for found in check(node, constants if check is _changed else names):
                return found
    return None


def _calls(node: ast.AST, names: set[str]) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    called = dotted(node.func)
    if REPLACED.fullmatch(called) and called.split(".")[0] not in names:
        yield f"the tests replace something by {called}, which the program, in a process of its own, does not see"
    if TOLD_ELSEWHERE.fullmatch(called):
        yield f"the tests use {called}, but warnings and logs stay in the program's process"
    if LOOKS_INSIDE.fullmatch(called) and called.split(".")[0] not in names:
        yield f"the tests use {called}, but objects and functions of the program stay in its process"
    if ENVIRONMENT.fullmatch(called):
        yield f"the tests call {called}, which the program, in a process of its own, does not see"
    if FILES.fullmatch(called) or (called == "open" and _writes(node)):
        yield f"the tests write files ({called}), which the program, in a container of its own, does not see"


def _writes(node: ast.Call) -> bool:
    modes = [*node.args[1:2], *(one.value for one in node.keywords if one.arg == "mode")]
    return any(isinstance(one, ast.Constant) and WRITING.search(str(one.value)) for one in modes)


def _fixtures(node: ast.AST, names: set[str]) -> Iterator[str]:
    if isinstance(node, ast.arg) and node.arg in FIXTURES:
        yield f"the tests use {node.arg}, which the program, in a process of its own, does not see"


def _insides(node: ast.AST, names: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and node.attr in INSIDES:
        yield f"the tests look at {node.attr}, which stays in the program's process"


def _derived(node: ast.AST, names: set[str]) -> Iterator[str]:
    """A class below one of the program, other than an exception, which has one like it here."""
    for base in node.bases if isinstance(node, ast.ClassDef) else []:
        if isinstance(base, ast.Name) and base.id in names and not base.id.endswith(("Error", "Exception")):
            yield f"the tests derive the class {node.name} from {base.id} of the program, which stays in its process"  # type: ignore[attr-defined]


def _matched(node: ast.AST, names: set[str]) -> Iterator[str]:
    """A pattern wants a class of the tests' own process."""
    if isinstance(node, ast.MatchClass) and dotted(node.cls).split(".")[0] in names:
        yield f"the tests match against {dotted(node.cls)} of the program, which stays in its process"


def _changed(node: ast.AST, names: set[str]) -> Iterator[str]:
    """A constant of the program that the tests would change: they have a copy."""
    place: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
        place = node.func.value
    elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        place = node.value
    if place is not None and ast.unparse(place) == "os.environ":
        yield "the tests change os.environ, which the program, in a process of its own, does not see"
    if isinstance(place, ast.Name) and place.id in names:
        yield f"the tests change {place.id} of the program, of which they have a copy"


Check = Callable[[ast.AST, set[str]], Iterator[str]]
CHECKS: dict[type[ast.AST], tuple[Check, ...]] = {
    ast.Call: (_calls, _changed),
    ast.Subscript: (_changed,),
    ast.arg: (_fixtures,),
    ast.Attribute: (_insides,),
    ast.ClassDef: (_derived,),
    ast.MatchClass: (_matched,),
}
