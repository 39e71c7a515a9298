"""The surface of an answer: spellings in words and signs that have one reading, as the mathematics they mean.

`negative 5` is `-5`, `5 squared` is `5^2`, `$5 million` is `$5000000`, `28 (inches)` is `28 inches`. Nothing here looks at a second answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from tasks.domain.equivalence.surface.amounts import (
    bracketed_unit,
    compound,
    euro,
    micro,
    money,
    of_arc,
    pound,
    yuan_or_yen,
)
from tasks.domain.equivalence.surface.bounds import all_but, between, bounded, compared, unequal, whole_but
from tasks.domain.equivalence.surface.domains import ranged
from tasks.domain.equivalence.surface.items import circled, listed, numbered, separated, without_parts
from tasks.domain.equivalence.surface.numerals import (
    grouped,
    in_base,
    opened_number,
    ordinal,
    repeating,
    scaled,
    without_article,
)
from tasks.domain.equivalence.surface.patterns import worded

_MINUS = re.compile(rf"{worded('negative|minus')}\s*(?=\$?(?:[\d\\(]|[a-z](?![a-z])))", re.IGNORECASE)
_PLUS = re.compile(rf"{worded('positive')}\s*(?=\$?\d)(?!\$?\d+-)", re.IGNORECASE)
_SQUARED = re.compile(rf"(?<=[\w)}}])\s*{worded('squared')}", re.IGNORECASE)
_CUBED = re.compile(rf"(?<=[\w)}}])\s*{worded('cubed')}", re.IGNORECASE)
_FACTORIAL = re.compile(rf"(?<=\d)\s*{worded('factorial')}", re.IGNORECASE)
_ROOT = re.compile(
    rf"{worded('(?:the )?(?:square|cube) root of')}\s*\$?(?P<of>\d+(?:\.\d+)?|[a-z])\b\$?", re.IGNORECASE
)
_PLUS_MINUS = re.compile(rf"\+\s*/\s*[-−]|\+-(?=\s*[\d\\a-z])|{worded('plus or minus')}", re.IGNORECASE)
_UNION = re.compile(r"(?<=[)\]}])\s*(?:\\text\{\s*)?U(?:\s*\})?\s*(?=[(\[{\\])")
_CONSTANT = re.compile(
    r"\+\s*(?:\\(?:text|mathrm)\s*\{\s*(?:a )?const(?:ant)?\.?\s*\}|(?:a )?const(?:ant)?\b\.?)\s*$", re.IGNORECASE
)
_HEADING = r"(left|right|up|down|north|south|east|west)"
_TOWARDS = re.compile(
    rf"(?<![A-Za-z])(?:to(?:wards?)? the {_HEADING}|(?:due )?{_HEADING}(?:wards?)?)(?![A-Za-z])(?!-)", re.IGNORECASE
)
_PERCENT = re.compile(rf"(?<=[\d}}])\s*{worded('pct|per ?cent')}(?!\s*point)", re.IGNORECASE)
# Commands that none of the rewritings looks at: most answers have no other letters beside each other.
_PLAIN = "[dtc]?frac|sqrt|pi|cdot|times|right|sin|cos|tan|cot|ln|log|infty|theta|alpha|beta|cup|cap|le|ge|leq|geq|circ|pm|begin|end"
_INTERESTING = re.compile(
    r"(?<![A-Za-z\\])(?<!\\begin\{)(?<!\\end\{)[A-Za-z]{2}"
    rf"|\\(?!(?:{_PLAIN})(?![A-Za-z])|left(?![A-Za-z]|\s*\(\s*[A-Za-z]))[A-Za-z]{{2}}"
    r"|[a-d1i]\)|\d \d{3}[.,]|[^\x00-\x7f]|'|\d,\d|\+\s*/|\+-|\$\s*\$|\bU\b|\d\.\d{3}[.,]"
    r"|frac[^()]*\(\s*[A-Za-z]|[ACR]\\?\$|(?<![A-Za-z\\])h(?![A-Za-z])"
)


@lru_cache(maxsize=16384)
def rewritten(text: str) -> str:
    """The answer with its wordings as mathematics; itself when there are none."""
    if len(text) > 4000 or not _INTERESTING.search(text):
        return text
    for rewrite in _REWRITES:
        text = rewrite(text)
    return text


def _replaced(pattern: re.Pattern[str], by: str) -> Callable[[str], str]:
    return lambda text: pattern.sub(lambda _: by, text)


def _root(text: str) -> str:
    return _ROOT.sub(lambda m: rf"\sqrt{'[3]' if 'cube' in m.group().casefold() else ''}{{{m['of']}}}", text)


_REWRITES: tuple[Callable[[str], str], ...] = (
    circled,
    without_parts,
    numbered,
    separated,
    listed,
    of_arc,
    micro,
    whole_but,
    all_but,
    ranged,
    lambda text: _CONSTANT.sub("+ C", text) if "const" in text else text,
    without_article,
    money,
    euro,
    pound,
    yuan_or_yen,
    grouped,
    in_base,
    compound,
    bracketed_unit,
    scaled,
    _replaced(_PLUS_MINUS, r"\pm "),
    between,
    compared,
    bounded,
    unequal,
    _replaced(_MINUS, "-"),
    _replaced(_PLUS, ""),
    _root,
    _replaced(_SQUARED, "^2"),
    _replaced(_CUBED, "^3"),
    _replaced(_FACTORIAL, "!"),
    _replaced(_PERCENT, r"\%"),
    lambda text: (
        _TOWARDS.sub(lambda m: m[1] or m[2], text) if "ward" in text or "to the" in text or "due " in text else text
    ),
    ordinal,
    opened_number,
    repeating,
    _replaced(_UNION, r" \cup "),
)
