"""What several rewritings look for: a number as written, and a word by itself or in a text command."""

from __future__ import annotations

NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,40})(?:\.\d{1,40})?"


def worded(words: str) -> str:
    """A word by itself or in a text command, with the space around it."""
    return rf"(?:\\(?:text\w*|mathrm|mbox)\s*\{{\s*(?:{words})\s*\}}|(?<![A-Za-z\\])(?:{words})(?![A-Za-z]))"
