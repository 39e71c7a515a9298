"""Makes text of unknown origin safe for HTML."""

from __future__ import annotations

import re
from html import escape

from tasks.report.tables import without_password

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: object) -> str:
    """Escape text for HTML and remove passwords from addresses; characters that control or reorder the text become visible."""
    shown = UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", str(text))
    return escape(without_password(shown), quote=True)
