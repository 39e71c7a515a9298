"""Identifies the code behind a plug-in's results by its version where it has one, else by the digest of its source.

The source is that of its module, and of the modules of the same place that this one imports, however deep.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.python_source import parsed


def version_of(thing: Any, module: str, what: str) -> str:
    """`thing.version`, else a digest of the source of `module`, where it is declared, and of what that imports.

    Raises UserError where there is neither, so that no result is ever found under a key that does not identify its code.
    """
    version = getattr(thing, "version", None)
    if isinstance(version, str | int) and str(version):
        return str(version)
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if loaded is None or not file or Path(file).suffix != ".py":
        raise UserError(
            f"{what} has neither a version nor a source file that can be read; give it an attribute `version`"
        )
    return _short(repr(sorted(sources_of(module, _root(file, module), module.partition(".")[0]).items())).encode())


def digest_of_source(function: Callable[..., Any], folder: str | None = None) -> str:
    """Return twelve hex digits that change with any edit of the function's module, or of what it imports from beside it.

    "Beside it" is `folder` for a module there, else the module's own top-level package. A function without a file
    (typed into an interpreter) counts by its byte code.
    """
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return _short(repr(getattr(getattr(function, "__code__", function), "co_code", function)).encode())
    root = _root(file, module.__name__)
    beside = folder is not None and root == Path(folder).resolve()
    sources = sources_of(module.__name__, root, None if beside else module.__name__.split(".")[0])
    name = getattr(function, "__qualname__", type(function).__name__)
    return _short(repr([name, *sorted(sources.items())]).encode())


def _root(file: str, module: str) -> Path:
    """The folder on the import path that holds the module's top-level package."""
    return Path(file).resolve().parents[len(module.split(".")) - (Path(file).name != "__init__.py")]


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def sources_of(start: str, root: Path, package: str | None) -> dict[str, str]:
    """Module name -> source text, of the module and all it imports below `root` (and in `package`, where one is given)."""
    found: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        file = _file_of(name, root)
        if name in found or file is None or (package is not None and name.split(".")[0] != package):
            continue
        found[name] = file.read_text(encoding="utf-8", errors="replace")
        waiting += _imports(found[name], name, is_package=file.name == "__init__.py")
    return found


def _file_of(module: str, root: Path) -> Path | None:
    path = root.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _imports(source: str, module: str, *, is_package: bool) -> Iterator[str]:
    """Every name that could be a module which this one imports, its packages included."""
    try:
        tree = parsed(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    home = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _prefixes(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield from _prefixes(f"{stem}.{alias.name}" if stem else alias.name)


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])
