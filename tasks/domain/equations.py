"""Finds the equations that a worked solution writes out, and whether they hold: `37 - 5 = 22` does not.

An answer may be right by luck. RFT (arXiv 2308.01825, section 3) keeps only paths whose every calculation holds, one a list of
calculations. Here a calculation is any `arithmetic = arithmetic` in the text, also inside `<<...>>`; what is not plain
arithmetic with numbers (words, letters, units between the numbers) is no equation and is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_NUMBER = r"\$?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?%?|\$?\.\d+%?"
_TOKEN = re.compile(rf"({_NUMBER})|([-+*/×÷·()])|(?<=[\d)%\s])([xX])(?=[\d($\s])|(\s+)")
_RUN = re.compile(rf"(?:{_NUMBER}|[-+*/×÷·()=]|(?<=[\d)%\s])[xX](?=[\d($\s])|[ \t])+")
_OPERATORS = {"×": "*", "·": "*", "÷": "/", "x": "*", "X": "*"}
_LEFT_OUT = re.compile(r"(?:[A-Za-z%]|\bof)\s*$")  # `half of 8 / 2 = 2`: the run is the end of something longer
MAX_RUN = 200  # characters


@dataclass(frozen=True)
class Equation:
    """`left = right` as written, without spaces; `holds` also when the right side is the rounded left side."""

    left: str
    right: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.left}={self.right}"


class _Unreadable(Exception):
    """Not arithmetic after all."""


def equations(text: str) -> list[Equation]:
    """Return the equations of a text in their order; `a = b = c` gives two. The time is linear in the text's length."""
    return [found for run in _RUN.finditer(text) for found in _of_run(text, run)]


def all_hold(text: str) -> bool:
    """Return whether no equation of the text is false; True without equations."""
    return all(one.holds for one in equations(text))


def equation_list(text: str) -> str:
    """Return a text that is equal for solutions with the same calculations (RFT's notion of one path); "" without equations."""
    return ";".join(map(str, equations(text)))


def _of_run(text: str, run: re.Match[str]) -> Iterator[Equation]:
    if "=" not in run[0] or len(run[0]) > MAX_RUN:
        return
    sides = run[0].split("=")
    cut_before, cut_after = _LEFT_OUT.search(text[: run.start()][-8:]), text[run.end() : run.end() + 1].isalpha()
    for number, (left, right) in enumerate(pairwise(sides)):
        if number == 0 and cut_before and not _begins_anew(left):
            continue
        if number == len(sides) - 2 and cut_after and not run[0].endswith((" ", "\t")):
            continue
        if (found := _judged(left, right)) is not None:
            yield found


def _begins_anew(left: str) -> bool:
    """`he pays 3 * 4 = 12` after a word: the words end where the number begins, unless an operator comes first."""
    return bool(re.match(rf"\s*\(*(?:{_NUMBER})", left)) and bool(re.search(r"[-+*/×÷·xX]", left))


def _judged(left: str, right: str) -> Equation | None:
    """None when a side is no arithmetic, or neither calculates anything."""
    if not any(re.search(r"[\d)%]\s*[-+*/×÷·xX]", side) for side in (left, right)):
        return None
    try:
        value, wanted = _Reader(left).value(), _Reader(right).value()
    except _Unreadable:
        return None
    percent = right.strip().endswith("%") and not left.strip().endswith("%")
    holds = _same(value, wanted, right) or (percent and _same(value, wanted * 100, right))
    return Equation("".join(left.split()), "".join(right.split()), holds)


def _same(value: Fraction, wanted: Fraction, written: str) -> bool:
    """Equal, or equal when rounded to the digits that are written (3.33 for 10 / 3)."""
    if value == wanted:
        return True
    decimals = re.search(r"\.(\d+)\D*$", written)
    step = Fraction(1, 10 ** len(decimals[1])) if decimals else Fraction(1)
    is_plain = re.fullmatch(rf"\s*-?\s*(?:{_NUMBER})\s*", written) is not None
    return is_plain and decimals is not None and abs(value - wanted) <= step / 2


class _Reader:
    """Precedence climbing over numbers, + - * / and brackets; exact."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise _Unreadable
            if not match[4]:
                self._tokens.append(_OPERATORS.get(match[0], match[0]))
            at = match.end()
        self._at = 0

    def value(self) -> Fraction:
        found = self._sum()
        if self._at != len(self._tokens):
            raise _Unreadable
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1] if self._at <= len(self._tokens) else ""

    def _sum(self) -> Fraction:
        found = self._product()
        while self._peek() in ("+", "-"):
            found = found + self._product() if self._take() == "+" else found - self._product()
        return found

    def _product(self) -> Fraction:
        found = self._atom()
        while self._peek() in ("*", "/"):
            if self._take() == "*":
                found *= self._atom()
                continue
            divisor = self._atom()
            if divisor == 0:
                raise _Unreadable
            found /= divisor
        return found

    def _atom(self) -> Fraction:
        token = self._take()
        if token == "-":
            return -self._atom()
        if token == "(":
            found = self._sum()
            if self._take() != ")":
                raise _Unreadable
            return found
        if not token or not (token[0].isdigit() or token[0] in "$."):
            raise _Unreadable
        number = Fraction(token.strip("$%").replace(",", ""))
        return number / 100 if token.endswith("%") else number
