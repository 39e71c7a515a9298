"""Things of somebody else's that are named by a dotted path: `package.module:attribute` or `package.module.attribute`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tasks.domain.errors import UserError


def is_dotted(name: str) -> bool:
    """Return whether a name is meant as a dotted path."""
    return ":" in name or "." in name


def split_path(path: str) -> tuple[str, str]:
    """Return the module and the attribute that a dotted path names."""
    module, _, attribute = path.partition(":") if ":" in path else path.rpartition(".")
    return module, attribute


def imported(path: str, check: Callable[[ModuleType], None] | None = None) -> Any:
    """Return the object at a dotted path; `check` may refuse its module.

    ImportError says what is wrong with the path, or what the module raised while it was imported.
    """
    module, attribute = split_path(path)
    if not all(part.isidentifier() for part in f"{module}.{attribute}".split(".")):
        raise ImportError("it is not of the form package.module:thing")
    try:
        thing: Any = importlib.import_module(module)
        if check is not None:
            check(thing)
        for part in attribute.split("."):
            thing = getattr(thing, part)
    except UserError:
        raise
    except Exception as error:  # boundary: a module of somebody else's may raise anything while it is imported
        raise ImportError(f"{type(error).__name__}: {error}") from error
    return thing
