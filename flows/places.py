"""Where runs store and work whose config names no place: as the environment says, of a worker and of the command line alike."""

from __future__ import annotations

import os
from typing import Any

STORE_VARIABLE, SCRATCH_VARIABLE = "RESTEM_STORE", "RESTEM_SCRATCH"
DEFAULT_STORE, DEFAULT_SCRATCH = ".restem/store", ".restem/scratch"


def default_store() -> str:
    return os.environ.get(STORE_VARIABLE) or DEFAULT_STORE


def default_scratch() -> str:
    return os.environ.get(SCRATCH_VARIABLE) or DEFAULT_SCRATCH


def default_places() -> dict[str, Any]:
    """Return what the environment names of them as a section of a config, to lie below everything that a config says."""
    named = {"store": os.environ.get(STORE_VARIABLE), "scratch": os.environ.get(SCRATCH_VARIABLE)}
    return {"run": {name: place for name, place in named.items() if place}}
