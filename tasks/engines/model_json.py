"""Reads the JSON files of a checkpoint folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError


def read_json(file: Path) -> dict[str, Any]:
    """Return the object in a file, an empty one where there is no file; UserError for a file that is damaged."""
    try:
        told = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:  # no JSON, or no UTF-8
        raise UserError(f"{file} is not JSON ({error}); the checkpoint is damaged, copy or train it again") from error
    if not isinstance(told, dict):
        raise UserError(f"{file} holds a {type(told).__name__}, expected an object; copy or train the checkpoint again")
    return told
