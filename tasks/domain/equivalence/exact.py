"""The fast path: equal strings and plain numbers, without parsing. It settles most pairs in a few microseconds."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_LAYOUT = re.compile(
    r"\\(?:left|right|displaystyle)(?![a-zA-Z])|(?<!\d)\\[,;:!> ]|\\[,;:!> ](?!\s*(?!\d{3}/)\d{1,9}/\d)|(?<![\d,\s$])\s+|\s+(?![\d,\s$])|\$(?<!\\\$)"
)
_FRACTION_STYLES = re.compile(r"\\[dtc]frac(?![a-zA-Z])")
_NUMBER = re.compile(r"(-?)(?:\\?\$)?(-?)(\d{1,3}(?:,\d{3})+|\d{1,40})?(\.\d{1,40})?\.?")
_FRACTION = re.compile(r"(-?)(?:\\frac(?:\{(\d{1,20})\}\{(\d{1,20})\}|(\d)(\d)(?!\d))|(\d{1,20})/(\d{1,20}))")
SHORT = 60


def squashed(text: str) -> str:
    """The text without layout: equal squashed texts are the same answer."""
    if text.isalnum():  # most answers
        return text
    text = _LAYOUT.sub("", text)
    return _FRACTION_STYLES.sub(r"\\frac", text) if "frac" in text else text


def plain_number(text: str) -> tuple[Fraction, bool] | None:
    """(value, whether it is written as a decimal) of a plain number, amount of money or fraction; None for others."""
    return _number(squashed(text)) if len(text) <= SHORT else None


def _number(text: str) -> tuple[Fraction, bool] | None:
    """The number that a text without layout is."""
    match = _NUMBER.fullmatch(text)
    if match and (match[3] or match[4]) and not (match[1] and match[2]):
        whole = (match[3] or "0").replace(",", "")
        value = Fraction(whole + match[4]) if match[4] else Fraction(int(whole))
        return (-value if match[1] or match[2] else value), bool(match[4])
    match = _FRACTION.fullmatch(text)
    if match is None:
        return None
    top, bottom = (int(part) for part in match.groups()[1:] if part is not None)
    return (Fraction(-top if match[1] else top, bottom), False) if bottom else None


@lru_cache(maxsize=16384)
def _gold(text: str) -> tuple[str, tuple[Fraction, bool] | None]:
    return squashed(text), plain_number(text)


def decide_fast(gold: str, answer: str) -> tuple[bool, str] | None:
    """(equal, rule) when strings or plain numbers settle it; None when the answers must be parsed."""
    if gold == answer:
        return (True, "string") if gold.strip() else None
    bare, one = _gold(gold)
    other = squashed(answer)
    if bare and bare == other:
        return True, "string"
    two = _number(other) if one is not None and len(answer) <= SHORT else None
    if one is None or two is None:
        return None
    if one[0] == two[0]:
        return True, "number"
    exact_gold = one[0].denominator == 1 or (not one[1] and not two[1])
    return (False, "number") if exact_gold else None  # a decimal may stand for a fraction, or for a longer one
