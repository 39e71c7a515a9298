"""The engine that the settings name: one that is declared in this folder, by another package, or at a dotted path."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

from tasks.domain.errors import UserError
from tasks.domain.extensions import ENGINES
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.engine import Engine, EngineClass

logger = logging.getLogger(__name__)

DECLARES = ("needs_files", "library", "instead")
METHODS = ("serve", "sample", "release", "close", "identity")
ENGINE_FILE = "tasks/engines/sampling/engine.py"


def make_engine(settings: EngineSettings, log_dir: Path) -> Engine:
    """An engine of the kind that samples here; nothing is started yet."""
    kind = kind_at_hand(settings.kind)
    if kind != settings.kind:
        logger.warning(
            "engine.kind is %s but %s is not installed: %s samples instead, many times slower",
            settings.kind, engine_class(settings.kind).library, kind,
        )  # fmt: skip
    return engine_class(kind)(settings, log_dir)


def kind_at_hand(kind: str) -> str:
    """The kind that samples on this machine: another one where this one's library is not installed."""
    wanted = engine_class(kind)
    missing = wanted.library is not None and importlib.util.find_spec(wanted.library) is None
    return wanted.instead if missing and wanted.instead is not None else kind


def engine_class(kind: str) -> EngineClass:
    """The class of that name or dotted path; UserError when there is none, or it does not say what it needs."""
    found: EngineClass = ENGINES.get(kind)
    lacking = [name for name in (*DECLARES, *METHODS) if not hasattr(found, name)]
    if lacking:
        raise UserError(f"engine {kind!r} lacks {', '.join(lacking)}; see EngineClass and Engine in {ENGINE_FILE}")
    return found
