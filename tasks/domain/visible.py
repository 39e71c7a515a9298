"""Text of unknown origin for a terminal, a log or a page: characters that control or reorder what is shown become visible."""

from __future__ import annotations

import re

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return `text` with terminal escapes, carriage returns, marks of direction and lone surrogates written as `\u001b`."""
    return UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
