"""Finds the engine that the settings name: it is declared in this folder, by another package, or at a dotted path."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from tasks.domain.errors import UserError
from tasks.domain.extensions import ENGINES
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.engine import Engine, EngineClass

DECLARES = ("needs_files", "library", "instead")
METHODS = ("serve", "sample", "release", "close", "identity")
ENGINE_FILE = "tasks/engines/sampling/engine.py"


def make_engine(settings: EngineSettings, log_dir: Path) -> Engine:
    """Return the engine of that kind; nothing is started yet.

    UserError where its library is not installed, because another engine must not sample under its name. Opening a run calls
    `kind_at_hand` first, before any key is made.
    """
    chosen = engine_class(settings.kind)
    if kind_at_hand(settings.kind) != settings.kind:
        raise UserError(
            f"engine.kind is {settings.kind!r} but {chosen.library} is not installed; install it, or set engine.kind to "
            f"{chosen.instead!r}"
        )
    return chosen(settings, log_dir)


def kind_at_hand(kind: str) -> str:
    """Return the kind that samples on this machine: the declared substitute where the library of this kind is not installed."""
    wanted = engine_class(kind)
    missing = wanted.library is not None and importlib.util.find_spec(wanted.library) is None
    return wanted.instead if missing and wanted.instead is not None else kind


def engine_class(kind: str) -> EngineClass:
    """Return the class of that name or dotted path; UserError when there is none, or when it does not declare its needs."""
    found: EngineClass = ENGINES.get(kind)
    lacking = [name for name in (*DECLARES, *METHODS) if not hasattr(found, name)]
    if lacking:
        raise UserError(f"engine {kind!r} lacks {', '.join(lacking)}; see EngineClass and Engine in {ENGINE_FILE}")
    return found
