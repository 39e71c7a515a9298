"""Makes whatever stands in a store harmless and readable on a page: every value of a template goes through `seen`."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from tasks.domain.visible import visible
from tasks.report.text import without_password


def seen(value: Any) -> Any:
    """Return a value as a page may hold it: control characters and marks that reorder text become visible, passwords go.

    The template engine escapes the result for HTML; only our own markup passes as it is.
    """
    if isinstance(value, Markup):
        return value
    if value is None:
        return ""
    text = visible(str(value))
    return without_password(text) if "://" in text else text
