"""Numbers as they are written: digits, and decimals that repeat."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from tasks.domain.equivalence.nodes import Node, number

MIN_CONTINUED = 3  # decimals before dots that do not repeat


@lru_cache(maxsize=4096)
def literal(text: str) -> Node:
    """Read a number as written."""
    if text.isdigit():
        return number(int(text))
    return Node("dec", (number(Fraction(text)),), text)


def continued_decimal(text: str) -> Node:
    """0.333... as the fraction it is, 3.14159... by the digits there are; 0.5... says nothing."""
    digits = text.partition(".")[2]
    if (cycle := visible_cycle(text)) is not None:
        return cycle
    if len(digits) == 2 and digits[0] == digits[1]:
        return repeating_decimal(f"{text[:-1]}\\overline{{{digits[-1]}}}")
    return literal(text) if len(digits) >= MIN_CONTINUED else Node("opaque", (), text + "...")


def visible_cycle(text: str) -> Node | None:
    """Return 0.333... and 0.1212... as fractions; None when the digits show no cycle."""
    whole, _, digits = text.partition(".")
    for length in range(1, 10):
        cycle, times_seen = digits[-length:], 3 if length == 1 else 2
        if len(digits) >= length * times_seen and digits.endswith(cycle * times_seen):
            return repeating_decimal(f"{whole}.{digits[:-length]}\\overline{{{cycle}}}")
    return None


def repeating_decimal(text: str) -> Node:
    """0.1\\overline{6} as the fraction it is."""
    whole, _, rest = text.partition(".")
    fixed, _, cycle = rest.partition("\\")
    cycle = re.sub(r"\D", "", cycle)
    scale = 10 ** len(fixed)
    return number(Fraction(int(whole + fixed or "0"), scale) + Fraction(int(cycle), scale * (10 ** len(cycle) - 1)))
