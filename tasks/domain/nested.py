"""Values inside of records: a dotted path leads through objects and lists to one of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class Absent:
    """The type of ABSENT, which stands where a path leads nowhere (None is a value that is there and empty)."""


ABSENT = Absent()


def at_path(data: Mapping[str, Any], path: str) -> Any:
    """Return the value of a column, or of `column.field.0` inside of one; ABSENT where there is none.

    A column whose own name has dots comes first. Text that holds a JSON object is entered like the object itself, because
    many data sets store their nested columns so.
    """
    if path in data:
        return data[path]
    value: Any = data
    for step in path.split("."):
        value = _entered(value, step)
        if value is ABSENT:
            return ABSENT
    return value


def _entered(value: Any, step: str) -> Any:
    if isinstance(value, str):
        value = _object(value)
    if isinstance(value, Mapping):
        return value.get(step, ABSENT)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return ABSENT


def _object(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def kind_of(value: Any) -> str:
    """Name the kind of a value for people: `a list`, `an object`, `a boolean`."""
    if isinstance(value, bool):
        return "a boolean"
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return {"str": "text", "int": "a number", "float": "a number", "bytes": "bytes"}.get(
        type(value).__name__, f"a {type(value).__name__}"
    )
