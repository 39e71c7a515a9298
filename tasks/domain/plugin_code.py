"""What a plug-in's results rest on: its version where it has one, else the digest of its source."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of


def version_of(thing: Any, module: str, what: str) -> str:
    """`thing.version`, else the digest of its module's source and of what that imports from its own package.

    Raises UserError where there is neither, so that no result is ever found under a name that says nothing of its code.
    """
    version = getattr(thing, "version", None)
    if isinstance(version, str | int) and str(version):
        return str(version)
    sources = sources_of(module)
    if not sources:
        raise UserError(
            f"{what} has neither a version nor a source file that can be read; give it an attribute `version`"
        )
    return digest_of(sources)


def sources_of(module: str) -> dict[str, str]:
    """Source by module name: this module, and all of its own top-level package that it imports, however deep."""
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in found else _file_of(name)
        if path is not None:
            found[name] = path.read_text(encoding="utf-8")
            waiting += _own_imports(found[name], name, package=path.name == "__init__.py")
            waiting += [name.rpartition(".")[0]]  # a package runs before what lies in it
    return dict(sorted(found.items()))


def _own_imports(source: str, module: str, *, package: bool) -> list[str]:
    top = module.partition(".")[0]
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, package=package)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.partition(".")[0] == top]


def _absolute(node: ast.ImportFrom, module: str, *, package: bool) -> str:
    """`from ..a import b` inside `top.middle.end` is about `top.a`."""
    if not node.level:
        return node.module or ""
    parents = module.split(".")
    above = parents[: len(parents) - node.level + package]
    return ".".join([*above, *([node.module] if node.module else [])])


def _file_of(module: str) -> Path | None:
    """The source file of a module; None for a name that is none (a function that was imported from one)."""
    file = getattr(sys.modules.get(module), "__file__", None)
    try:
        spec = importlib.util.find_spec(module) if module and not file else None
    except (ImportError, AttributeError, ValueError):  # a parent that is no package, or `__main__`
        spec = None
    path = Path(file or (spec.origin if spec and spec.has_location and spec.origin else ""))
    return path if path.suffix == ".py" and path.is_file() else None
