"""Units behind a quantity. A unit may be left out; two known units of one kind are converted, of different kinds differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

_TABLE = """
length   m 1 meter 1 metre 1 km 1000 kilometer 1000 kilometre 1000 cm 1/100 centimeter 1/100 centimetre 1/100 mm 1/1000 millimeter 1/1000 millimetre 1/1000
length   in 254/10000 inch 254/10000 inche 254/10000 ft 3048/10000 feet 3048/10000 foot 3048/10000 yd 9144/10000 yard 9144/10000 mi 1609344/1000 mile 1609344/1000
time     s 1 sec 1 second 1 min 60 minute 60 h 3600 hr 3600 hour 3600 day 86400 week 604800
mass     g 1 gram 1 kg 1000 kilogram 1000 mg 1/1000 milligram 1/1000 lb 45359237/100000 pound 45359237/100000 oz 45359237/1600000 ounce 45359237/1600000
volume   l 1 liter 1 litre 1 ml 1/1000 milliliter 1/1000 millilitre 1/1000
money    $ 1 dollar 1 usd 1 cent 1/100 buck 1 ¢ 1/100
euro     € 1 euro 1 eur 1
sterling gbp 1
yen      yen 1 jpy 1
yuan     yuan 1 rmb 1 cny 1
length/time mph 1609344/3600000 kph 1000/3600 kmh 1000/3600
angle    degree 1 deg 1
"""
_UNITS = {
    name.replace("_", " "): (line.split()[0], Fraction(factor))
    for line in _TABLE.strip().splitlines()
    for name, factor in zip(line.split()[1::2], line.split()[2::2], strict=True)
}
_POWER = re.compile(
    r"^(?:(?P<square>sq(?:uare)?\.?)|(?P<cubic>cu(?:bic)?\.?))\s+|\s*\^\s*\{?(?P<power>\d)\}?$", re.IGNORECASE
)
_INVERSE = re.compile(r"\s+([A-Za-z]+)\s*\^\s*\{?-(\d)\}?(?!\d)")  # m s^-1
LETTERS = frozenset("mgshLlNJWVK")  # single letters that are units when they stand apart: 5 m


@dataclass(frozen=True)
class Unit:
    """A unit's kind (length, time, ...; empty when it is not in the table), power, and factor to the kind's base unit."""

    kind: str
    power: int
    factor: Fraction


@lru_cache(maxsize=4096)
def unit(text: str) -> Unit:
    """`sq. inches`, `cm^2`, `apples`."""
    name, power = _INVERSE.sub(r"/\1^\2", text.strip(" .,").replace("\\", "")), 1
    name = name.replace("^1", "")
    top, slash, bottom = name.replace(" per ", "/").partition("/")
    if slash and (over := unit(top)).kind and (under := unit(bottom)).kind:
        kind = "/".join(f"{part.kind}^{part.power}" if part.power > 1 else part.kind for part in (over, under))
        return Unit(kind, 1, over.factor / under.factor)
    match = _POWER.search(name)
    if match:
        power = 2 if match["square"] else 3 if match["cubic"] else int(match["power"])
        name = (name[: match.start()] + name[match.end() :]).strip()
    bare = name.casefold()
    kind, factor = (
        _UNITS.get(name) or _UNITS.get(bare.rstrip(".").removesuffix("s")) or _UNITS.get(bare) or ("", Fraction(1))
    )
    return Unit(kind, power, factor**power)


def known(text: str) -> bool:
    return bool(unit(text).kind)


def _other_rate(gold: str, answer: str) -> bool:
    """72 beats per minute against 72 beats per second: what is counted may go unnamed, not the time."""
    under = [unit(text.replace(" per ", "/").replace("per ", "/").rpartition("/")[2]) for text in (gold, answer)]
    rates = all("/" in text or "per " in text for text in (gold, answer))
    return rates and all(one.kind for one in under) and under[0] != under[1]


def factors(gold: str | None, answer: str | None) -> tuple[Fraction, Fraction] | None:
    """Return what to multiply each side with before comparing; None when the units contradict each other."""
    if not gold or not answer:
        return Fraction(1), Fraction(1)
    one, two = unit(gold), unit(answer)
    if one.kind and two.kind:
        return (one.factor, two.factor) if (one.kind, one.power) == (two.kind, two.power) else None
    if not (one.kind and two.kind) and _other_rate(gold, answer):
        return None
    flat = one if one.power < two.power else two
    contradictory = one.power != two.power and (flat.power > 1 or bool(flat.kind))  # units^2 against units^3, or miles
    return None if contradictory else (Fraction(1), Fraction(1))
