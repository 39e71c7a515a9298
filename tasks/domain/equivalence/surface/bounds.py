"""Bounds in words: `17 or more`, `x is at most 5`, `between 1 and 3 inclusive`, `all reals except 2`."""

from __future__ import annotations

import re

from tasks.domain.equivalence.surface.patterns import NUMBER, worded

_AT_LEAST = re.compile(
    rf"(?P<one>-?{NUMBER})(?P<unit>(?:\\?\s+[a-z]+)?)\s*{worded('(?:or|and) (?:more|greater|above|over|larger|higher|up)')}"
    rf"|{worded('(?:no|not) (?:less|fewer|smaller) than')}\s*(?P<two>-?{NUMBER})",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    rf"(?P<one>-?{NUMBER})(?P<unit>(?:\\?\s+[a-z]+)?)\s*{worded('(?:or|and) (?:less|fewer|below|under|smaller|lower)')}"
    rf"|{worded('(?:no|not) (?:more|greater|larger) than|up to')}\s*(?P<two>-?{NUMBER})",
    re.IGNORECASE,
)
_IS_NOT = re.compile(
    rf"(?<=[a-zA-Z])(?<![a-zA-Z]{{2}})\s*{worded('is not(?: equal to)?|does not equal|cannot (?:be|equal)')}\s*(?=[-\d\\$])",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    rf"(?<![a-zA-Z\\])(?P<name>[a-zA-Z])\$?\s*{worded('(?:is |are |must be |should be )?(?:at least|at most|(?:no |not )?(?:more|less|greater|larger|smaller|fewer) than(?: or equal to)?)')}\s*(?=\$?[-\d\\])",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"(?:(?<![a-zA-Z])(?P<name>[a-z])\s*)?{worded('(?:is |lies )?between')}\s*(?P<low>\S+?)\s*{worded('and')}\s*(?P<high>\S+?),?\s*{worded('inclusive|exclusive')}",
    re.IGNORECASE,
)
_ALL_BUT = re.compile(
    rf"{worded('all (?:real numbers|reals|real x|real values)(?: of x)?,? (?:except|but|other than|excluding|not equal to)(?: for)?')}\s*(?:\$?x\s*=\s*)?\$?(?=[-\d\\])",
    re.IGNORECASE,
)
# All positive integers except 2 and 5, all integers n \\ne 2, 5.
_WHOLE_BUT = re.compile(
    r"^[\s$]*(?:\\text\w*\s*\{\s*)?all (?P<sign>positive |natural |non-?negative )?(?:integers|whole numbers|numbers|natural numbers)(?: [a-z])?,?\s*\}?[\s$]*"
    r"(?:(?:[a-z]\s*)?(?:\\neq?(?![a-z])|≠)|(?:\\text\w*\s*\{\s*)?(?:except(?: for)?|but|other than|excluding|not equal to)(?![A-Za-z])\s*\}?)[\s$]*(?:[a-z]\s*=\s*)?"
    r"(?P<items>-?\d+(?:(?:[\s$,]|\\text\s*\{\s*|(?:and|or)\s*\}?|\})+-?\d+)*)[\s$.}]*$",
    re.IGNORECASE,
)
_ALL_NONZERO = re.compile(worded(r"all non-?zero (?:real numbers|reals)"), re.IGNORECASE)


def compared(text: str) -> str:
    def sign(match: re.Match[str]) -> str:
        words = match.group().casefold()
        if "at least" in words or "at most" in words:
            return rf"{match['name']} \{'ge' if 'least' in words else 'le'} "
        greater = re.search(r"more|greater|larger", words) is not None
        negated = re.search(r"\b(?:no|not)\b", words) is not None
        with_end = ("or equal" in words) != negated
        return rf"{match['name']} {(chr(92) + 'ge' if with_end else '>') if greater != negated else (chr(92) + 'le' if with_end else '<')} "

    return _COMPARED.sub(sign, text)


def bounded(text: str) -> str:
    """`17 or more` and `no fewer than 17` as `at least 17`."""

    def said(match: re.Match[str]) -> str:
        words = "at least" if match.re is _AT_LEAST else "at most"
        return f"{words} {match['one'] or match['two']}{match['unit'] or ''}"

    return _AT_MOST.sub(said, _AT_LEAST.sub(said, text))


def between(text: str) -> str:
    def chain(match: re.Match[str]) -> str:
        sign = r"\le" if "inclusive" in match.group().casefold() else "<"
        return f"{match['low']} {sign} {match['name'] or 'x'} {sign} {match['high']}"

    return _BETWEEN.sub(chain, text) if "between" in text else text


def whole_but(text: str) -> str:
    """Whole numbers with a few left out, as a difference of sets."""
    match = _WHOLE_BUT.match(text) if "ll " in text else None
    if match is None or not (match["sign"] or "integers" in text or "whole" in text):
        return text
    left_out = ", ".join(re.findall(r"-?\d+", match["items"]))
    positive = "^+" if (match["sign"] or "").startswith(("positive", "natural")) or "natural numbers" in text else ""
    if (match["sign"] or "").lower().startswith("non"):
        return text
    return rf"\mathbb{{Z}}{positive} \setminus \{{{left_out}\}}"


def all_but(text: str) -> str:
    return _ALL_NONZERO.sub(lambda _: r"x \ne 0", _ALL_BUT.sub(lambda _: r"x \ne ", text))


def unequal(text: str) -> str:
    return _IS_NOT.sub(lambda _: r" \ne ", text)
