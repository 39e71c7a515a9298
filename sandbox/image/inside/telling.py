"""What an operation on the program involves, and whether it tells the program something."""

from __future__ import annotations

from typing import Any

from . import values
from .remote import Remote, identity

TELLING = 4  # characters that a program would hardly guess


def involved(*parts: Any) -> frozenset[Any]:
    """The names and objects of the program among these, and those whose methods these are."""
    found = [one for one in parts if isinstance(one, Remote)]
    owners = [one._restem_owner for one in found]
    return frozenset(identity(one) for one in (*found, *owners) if one is not None)


def telling(value: Any, depth: int = 0) -> bool:
    """Whether a value could be what some outcome is compared with: more than a short number or text, or an object of the tests."""
    if value is None or isinstance(value, bool | Remote):
        return False
    if depth > values.MAX_DEPTH:  # it holds itself
        return True
    if isinstance(value, int) and value.bit_length() > 64:  # whose text may take long
        return True
    if isinstance(value, int | float | str | bytes):
        return len(str(value)) >= TELLING
    if isinstance(value, tuple | list | set | frozenset | dict):
        parts = [*value, *value.values()] if isinstance(value, dict) else list(value)
        return len(parts) > 1 or any(telling(part, depth + 1) for part in parts)
    return True
