"""The program's own lines, run once; what it defines is then called from outside (`call`, `calls`)."""

from __future__ import annotations

import builtins
import sys
import traceback
import types
from typing import Any

from . import encoding, prelude

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]  # a copy: the program may change the common ones
EXIT_COMPILE = 101  # see child.py
FRAMES_ABOVE = 12  # between `loaded`'s caller and a called function


def loaded(source: bytes, provided: bool) -> types.ModuleType:
    """The program as a module. `provided`: with the names below it that sites with a given signature import."""
    try:
        code = compile(source, "program.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        sys.excepthook(type(error), error, None)
        raise SystemExit(EXIT_COMPILE) from None
    program = types.ModuleType("solution")
    # the common ones, not this module's copy
    program.__dict__["__builtins__"] = prelude.below(code, source) if provided else builtins
    sys.modules["solution"] = program
    sys.setrecursionlimit(sys.getrecursionlimit() + FRAMES_ABOVE)
    exec(code, program.__dict__)
    return program


def function(names: dict[str, Any], target: str, methods: bool) -> Any:
    """What the program defines under this name, else with `methods` that of a fresh `Solution()` (how LeetCode states its problems)."""
    if target in names:
        return names[target]
    if methods and "Solution" in names:
        return getattr(names["Solution"](), target)
    raise NameError(f"name {target!r} is not defined")


def described(error: BaseException) -> tuple[list[str], list[Any], str]:
    """Its built-in classes from the nearest one, its arguments, and how it prints."""
    names = [kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind]
    try:
        arguments = list(error.args)
        encoding.encode(arguments, 10_000)
    except Exception:  # noqa: BLE001 - arguments of any kind, by a class of any kind
        arguments = []
    try:
        text = "".join(traceback.format_exception_only(type(error), error))[-500:]
    except Exception:  # noqa: BLE001 - its own __str__
        text = type(error).__name__
    return names, arguments, text
