"""Numbers and how they are grouped, scaled and counted: 1'234, $5 million, the 3rd, 101 in base 2."""

from __future__ import annotations

import re
from fractions import Fraction

from tasks.domain.equivalence.surface.patterns import NUMBER, worded

_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_SCALED = re.compile(
    rf"(?P<number>{NUMBER})\s*{worded('(?:hundred|thousand|million|billion|trillion|dozen)s?')}", re.IGNORECASE
)
_HAS_UNIT_INSIDE = re.compile(
    r"(\\(?:text\w*|mathrm|mbox)\s*\{\s*)(hundred|thousand|million|billion|trillion|dozen)s?\s+", re.IGNORECASE
)
_SUFFIX, _COMMAND = r"(?:st|nd|rd|th)", r"\\(?:text\w*|mathrm|mbox|rm)"
_ORDINAL = re.compile(
    rf"(?<![\d.,/}}])(\d{{1,6}})(?:\s*\^?\s*(?:\{{\s*{_COMMAND}\s*\{{\s*{_SUFFIX}\s*\}}\s*\}}|\{{\s*(?:\\rm\s*)?{_SUFFIX}\s*\}}|{_COMMAND}\s*\{{\s*{_SUFFIX}\s*\}})|{_SUFFIX}(?![A-Za-z]))",
    re.IGNORECASE,
)
_TEXT_NUMBER = re.compile(r"\s*\\(?:text\w*|mathrm|mbox)\s*\{\s*(-?\d[\d,.]*)\s+([A-Za-z]{3}[A-Za-z ]*)\}\s*")
_TEXT_COUNT = re.compile(r"\s*\\(?:text\w*|mathrm|mbox)\s*\{\s*(-?\d[\d,.]*)\s*([\u4e00-\u9fff]{1,4})\s*\}\s*")
_REPEATING = re.compile(rf"(\d*\.)(\d+)\s*{worded('repeating|recurring')}", re.IGNORECASE)
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+[.,]\d{1,9}(?![\d,.]| \d)")
_DOTTED = re.compile(r"(?<![\d.,])(?!0)\d{1,3}(?:\.\d{3}){2,}(?![\d,.])")
_THE_ORDINAL = re.compile(rf"(?<![A-Za-z])the\s+(?=\d{{1,6}}{_SUFFIX}(?![A-Za-z]|\s+(?:power|root)))", re.IGNORECASE)
_SWISS = re.compile(r"(?<![\d'])\d{1,3}(?:'\d{3})+(?![\d'])")
_INDIAN = re.compile(r"(?<![\d,.(\[{])\d{1,2}(?:,\d{2})+,\d{3}(?![\d,])")
_CONTINENTAL = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3})+,\d{1,9}(?![\d,.])")
_IN_BASE = re.compile(
    r"(?<![\w.])(\d{1,60})\s*(?:\\text\w*\s*\{\s*)?\(?\s*(?:\\text\w*\s*\{\s*)?(?:in )?base[ -]?\}?\s*(\d{1,2}|two|three|four|five|six|seven|eight|nine)\s*\}?\)?\}?\s*$",
    re.IGNORECASE,
)


def scaled(text: str) -> str:
    def product(match: re.Match[str]) -> str:
        scale = re.search("|".join(_SCALES), match.group(), re.IGNORECASE)
        value = Fraction(match["number"].replace(",", "")) * _SCALES[scale.group().lower()] if scale else Fraction(0)
        return str(value) if value.denominator == 1 else match.group()

    return _SCALED.sub(product, _HAS_UNIT_INSIDE.sub(r"\2 \1", text))


def repeating(text: str) -> str:
    def digits(match: re.Match[str]) -> str:
        whole, decimals = match[1], match[2]
        return rf"{whole}\overline{{{decimals}}}" if len(set(decimals)) == 1 else f"{whole}{decimals}..."

    return _REPEATING.sub(digits, text)


def grouped(text: str) -> str:
    """1'234, 1,00,000, 1 234,5, 1.234.567 and 1.234,56, which have one reading."""
    if "'" in text:
        text = _SWISS.sub(lambda match: match.group().replace("'", ""), text)
    if "," in text:
        text = _INDIAN.sub(lambda match: match.group().replace(",", ""), text)
        text = _CONTINENTAL.sub(lambda match: match.group().replace(".", "").replace(",", "."), text)
    if " " in text:
        text = _SPACED.sub(lambda match: match.group().replace(" ", "").replace(",", "."), text)
    if "." in text:
        text = _DOTTED.sub(lambda match: match.group().replace(".", ""), text)
    return text


def in_base(text: str) -> str:
    return _IN_BASE.sub(r"\1_{\2}", text) if "base" in text.casefold() else text


def without_article(text: str) -> str:
    """`the 3rd` as `3rd`."""
    return _THE_ORDINAL.sub("", text)


def ordinal(text: str) -> str:
    return _ORDINAL.sub(r"\1", text)


def opened_number(text: str) -> str:
    """A number and its noun in one text command."""
    if not text.isascii() and (match := _TEXT_COUNT.fullmatch(text)):
        return match.expand(r"\1 \\text{ \2}")
    return match.expand(r"\1 \\text{ \2}") if (match := _TEXT_NUMBER.fullmatch(text)) else text
