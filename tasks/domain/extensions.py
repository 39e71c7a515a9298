"""The kinds of things that others add, and where each kind is declared. docs/extending.md shows one of each.

Only names are known here: the domain imports no engine and no loader, but settings must know what there is.
"""

from __future__ import annotations

from typing import Any

from tasks.domain.registry import Registry

LOADERS: Registry[Any] = Registry("loader", sign="loader", folder="tasks.data.loaders", group="restem.loaders")
ENGINES: Registry[Any] = Registry("engine", sign="engine", folder="tasks.engines.sampling", group="restem.engines")
COLUMNS: Registry[Any] = Registry("column", sign="column", folder="tasks.domain.columns", group="restem.columns")
