"""Makes text of unknown origin safe for HTML."""

from __future__ import annotations

from html import escape

from tasks.domain.visible import visible
from tasks.report.text import without_password


def safe(text: object) -> str:
    """Escape text for HTML and remove passwords from addresses; characters that control or reorder the text become visible."""
    return escape(without_password(visible(str(text))), quote=True)
