"""Amounts with their units: money, units in brackets, and two units in one quantity (1 h 30 min)."""

from __future__ import annotations

import re
from fractions import Fraction

from tasks.domain.equivalence.surface.patterns import NUMBER
from tasks.domain.equivalence.words.units import unit

_CURRENCY = re.compile(r"(?<![A-Za-z\\])(?:Rs\.?|INR|USD|US\\?\$|A\\?\$|C\\?\$|CHF|R\\?\$)\s*(?=\d)")
_EURO = re.compile(rf"(?:€|(?<![A-Za-z\\])EUR)\s*({NUMBER})|({NUMBER})\s*€")
_YUAN_OR_YEN = re.compile(rf"¥\s*({NUMBER})|({NUMBER})\s*¥")
_POUND = re.compile(rf"(?:£|(?<![A-Za-z\\])GBP)\s*({NUMBER})|({NUMBER})\s*£")
_BRACKETED_UNIT = re.compile(
    r"(?P<value>[$\s]*-?(?:\\\$)?(?:\d[\d,]*(?:\.\d+)?|\\[dt]?frac\{\d+\}\{\d+\}|\d+/\d+)[$\s]*)(?:\\text\w*\s*\{\s*)?(?:\\left)?\(\s*(?:\\text\w*\s*\{)?\s*(?P<unit>[A-Za-z][A-Za-z .²³^0-9/]{1,40}?)\s*\}?\s*(?:\\right)?\)\s*\}?"
)
_NO_UNIT = re.compile(
    r"\b(?:not|or|and|mod|base|million|thousand|hundred|if|when|for|since|as|approx\w*|squared|at|more|less|wrong|incorrect|maybe|perhaps|possibly|[a-z])\b",
    re.IGNORECASE,
)
_MICRO = re.compile(
    r"(?<=[\d}~ ,;])(?:\\(?:text|mathrm)\s*\{\s*)?\\mu\s*\}?\s*\\(?:text|mathrm|rm)\s*\{\s*([mgsLFCAVJWN])\s*\}"
)
_ARC = re.compile(
    r"(\d{1,3})\s*(?:\\text\s*\{\s*)?degrees?\s*(?:,|and)?\s*\}?\s*(\d{1,2}(?:\.\d{1,6})?)\s*(?:\\text\s*\{\s*)?(?:arc)?minutes?\s*\}?",
    re.IGNORECASE,
)
_LARGE = r"years?|yrs?\.?|hours?|hrs?\.?|h|minutes?|mins?\.?|days?|weeks?|feet|foot|ft\.?|yards?|pounds?|lbs?\.?|dollars?|meters?|metres?|m|km|kg|kilometers?|kilograms?|gallons?"
_SMALL = r"months?|minutes?|mins?\.?|min|hours?|seconds?|secs?\.?|s|days?|inch(?:es)?|in\.?|feet|ft\.?|ounces?|oz\.?|cents?|cm|centimeters?|centimetres?|m|meters?|metres?|g|grams?|mm"
_GAP = r"(?:[\s~{}$]|\\(?:text\w*|mathrm|mbox)\s*(?=\{)|\\[,; ])*"
_COMPOUND = re.compile(
    rf"(?<![\w.^_{{\\])(?P<one>\d{{1,9}}){_GAP}(?P<large>{_LARGE})(?![A-Za-z^/]){_GAP}(?:,|and(?![a-z]))?{_GAP}(?:and(?![a-z]))?{_GAP}(?P<two>\d{{1,9}}(?:\.\d{{1,9}})?){_GAP}(?P<small>{_SMALL})(?![A-Za-z^/])\s*\}}?",
    re.IGNORECASE,
)
_COMPOUNDED = re.compile(r"\d[^\d=+*]{1,40}\d+[^\d]{1,20}$")


def money(text: str) -> str:
    return _CURRENCY.sub(lambda _: r"\$", text)


def euro(text: str) -> str:
    return _EURO.sub(r"\1\2\\text{ euro}", text)


def pound(text: str) -> str:
    return _POUND.sub(r"\1\2\\text{ gbp}", text)


def yuan_or_yen(text: str) -> str:
    """The sign of both, which contradicts neither."""
    return _YUAN_OR_YEN.sub(r"\1\2\\text{ yuan-yen}", text) if "¥" in text else text


def micro(text: str) -> str:
    """7.27 \\mu\\text{m} is measured in µm."""
    return _MICRO.sub(r"\\text{ µ\1}", text) if r"\mu" in text else text


def of_arc(text: str) -> str:
    return _ARC.sub(r"\1^\\circ \2'", text) if "degree" in text else text


def bracketed_unit(text: str) -> str:
    bare = text.strip()
    if bare.startswith("$") and "$ (" in bare and "\\$" not in bare:  # $12$ (cm$^2$)
        bare = bare.replace("$", "")
    match = _BRACKETED_UNIT.fullmatch(re.sub(r"\s\[([A-Za-z ]{3,40})\]$", r" (\1)", bare))
    if match is None or _NO_UNIT.search(re.sub(r"/\w+", "", match["unit"])):
        return text
    return rf"{match['value'].strip(' $')} \text{{ {match['unit']} }}"


def compound(text: str) -> str:
    """1 h 30 min, 5 feet and 4 inches, 3 dollars and 25 cents as one quantity in the smaller unit."""

    def total(match: re.Match[str]) -> str:
        large, small = unit(match["large"]), unit(match["small"])
        if not large.kind or (large.kind, large.power) != (small.kind, small.power) or large.factor <= small.factor:
            return match.group()
        value = Fraction(match["one"]) * large.factor / small.factor + Fraction(match["two"])
        number = str(value) if value.denominator == 1 else f"{float(value):.9g}"
        open_text = match.group().count("{") > match.group().count("}")
        return rf"{number} \text{{ {match['small']}{' ' if open_text else ' }'}"

    return _COMPOUND.sub(total, text) if _COMPOUNDED.search(text) else text
