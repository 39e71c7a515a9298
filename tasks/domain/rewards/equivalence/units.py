"""Units behind a quantity. A unit may be left out; two known units of one kind are converted, of different kinds differ."""

from __future__ import annotations

import re
from fractions import Fraction

_TABLE = """
length   m 1 meter 1 metre 1 km 1000 kilometer 1000 kilometre 1000 cm 1/100 centimeter 1/100 centimetre 1/100 mm 1/1000 millimeter 1/1000 millimetre 1/1000
length   in 254/10000 inch 254/10000 inche 254/10000 ft 3048/10000 feet 3048/10000 foot 3048/10000 yd 9144/10000 yard 9144/10000 mi 1609344/1000 mile 1609344/1000
time     s 1 sec 1 second 1 min 60 minute 60 h 3600 hr 3600 hour 3600 day 86400 week 604800
mass     g 1 gram 1 kg 1000 kilogram 1000 mg 1/1000 milligram 1/1000 lb 45359237/100000 pound 45359237/100000 oz 45359237/1600000 ounce 45359237/1600000
volume   l 1 liter 1 litre 1 ml 1/1000 milliliter 1/1000 millilitre 1/1000
money    $ 1 dollar 1 usd 1 cent 1/100 buck 1 ¢ 1/100
angle    degree 1 deg 1
"""
_UNITS = {
    name: (line.split()[0], Fraction(factor))
    for line in _TABLE.strip().splitlines()
    for name, factor in zip(line.split()[1::2], line.split()[2::2], strict=True)
}
_SQUARED = re.compile(
    r"^(?:sq(?:uare)?\.?\s+)(.*)$|^(.*?)\s*\^\s*\{?([23])\}?$|^(?:cu(?:bic)?\.?\s+)(.*)$", re.IGNORECASE
)
LETTERS = frozenset(
    ["m", "g", "s", "h", "L", "l", "N", "J", "W", "V", "K"]
)  # single letters that are units when they stand apart: 5 m


def known(text: str) -> tuple[str, Fraction] | None:
    """(kind, factor to the kind's base unit); None for units that are not in the table, such as apples."""
    name = text.strip(" .,").replace("\\", "")
    power = 1
    match = _SQUARED.match(name)
    if match:
        power = 3 if match[4] or match[3] == "3" else 2
        name = match[1] or match[2] or match[4] or ""
    found = _UNITS.get(name) or _UNITS.get(name.casefold().rstrip("s").rstrip(".")) or _UNITS.get(name.casefold())
    if found is None:
        return None
    return (found[0] if power == 1 else f"{found[0]}^{power}"), found[1] ** power


def factors(gold: str | None, answer: str | None) -> tuple[Fraction, Fraction] | None:
    """What to multiply each side with before comparing; None when the units contradict each other."""
    one, two = known(gold or ""), known(answer or "")
    if one is None or two is None:
        return Fraction(1), Fraction(1)
    return (one[1], two[1]) if one[0] == two[0] else None
