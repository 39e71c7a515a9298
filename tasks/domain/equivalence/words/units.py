"""Units behind a quantity. A unit may be left out; two known units of one dimension are converted, of others they differ."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from tasks.domain.equivalence.words.unit_table import NAMES, PREFIXABLE, PREFIXES, SPELLED, SPELLED_PREFIXES

_PER, _TIMES = re.compile(r"\s*(?:/|(?<![A-Za-z])per(?![A-Za-z]))\s*", re.IGNORECASE), re.compile(r"cdot|[·⋅*]|[\s~]+")
_SQUARE = re.compile(r"(?<![A-Za-z])(?P<word>sq(?:uare)?\.?|cu(?:bic)?\.?)\s+(?P<name>[A-Za-z]+\.?)", re.IGNORECASE)
_WORDED_POWER = re.compile(r"\s+(squared|cubed)(?![A-Za-z])", re.IGNORECASE)
_FACTOR = re.compile(r"(?P<name>[A-Za-zµμΩÅ$€¢\u4e00-\u9fff]+)\.?(?:\^\s*\{?(?P<power>-?\d{1,2})\}?)?")
_POWER = re.compile(r"\s*\^\s*\{?(?P<power>\d{1,2})\}?$")
_NAMES = re.compile(r"[A-Za-z]+")
_UNDER = re.compile(r"/\s*\(([^()/]*)\)")  # J/(mol K)
_SUPERSCRIPTS = str.maketrans({"²": "^2", "³": "^3"})
LETTERS = frozenset("mgshLlNJWVK")  # single letters that are units when they stand apart: 5 m
MAX_FACTORS = 6
# Letters that are another unit's symbol as well: C is celsius beside celsius, coulomb beside coulomb.
_ALSO = {"C": "celsius", "F": "fahrenheit"}


@dataclass(frozen=True)
class Unit:
    """A unit's kind (length, or a product such as `length^2 time^-1`; empty when it is not in the table), power, and factor
    to the kind's base unit."""

    kind: str
    power: int
    factor: Fraction


@lru_cache(maxsize=4096)
def unit(text: str) -> Unit:
    """`sq. inches`, `cm^2`, `kg m/s^2`, `N m`, `apples`."""
    name = _WORDED_POWER.sub(
        lambda match: "^2" if match[1].lower() == "squared" else "^3", text.translate(_SUPERSCRIPTS)
    )
    name = _SQUARE.sub(lambda match: f"{match['name']}^{'2' if match['word'][0] in 'sS' else '3'}", name)
    name = name.strip(" .,").replace("\\", "")
    found = _product(name)
    if found is not None:
        return found
    power = _POWER.search(name)
    return Unit("", int(power["power"]) if power else 1, Fraction(1))


def _product(name: str) -> Unit | None:
    """The unit that a product or quotient of known units is; None when one of them is unknown."""
    name = _UNDER.sub(lambda match: "/" + "/".join(_TIMES.split(match[1].strip())), name)
    over, *under = _PER.split(name)
    factors = [(factor, 1) for factor in _TIMES.split(over)]
    factors += [(factor, -1) for part in under for factor in _TIMES.split(part)]
    factors = [(factor, sign) for factor, sign in factors if factor]
    if not 0 < len(factors) <= MAX_FACTORS:
        return None
    dimensions: Counter[str] = Counter()
    size = Fraction(1)
    for factor, sign in factors:
        match = _FACTOR.fullmatch(factor)
        one = _known(match["name"]) if match else None
        if match is None or one is None:
            return None
        power = sign * int(match["power"] or 1)
        for base, exponent in one[0].items():
            dimensions[base] += power * exponent
        size *= one[1] ** power
    held = {base: exponent for base, exponent in sorted(dimensions.items()) if exponent}
    if len(held) == 1 and (only := next(iter(held.items())))[1] > 0:
        return Unit(only[0], only[1], size)
    return Unit(" ".join(f"{base}^{exponent}" for base, exponent in held.items()) or "number", 1, size)


def _known(name: str) -> tuple[dict[str, int], Fraction] | None:
    """The dimensions and size of one unit, by its symbol (`kJ`), its name (`kilojoules`), or a usual short form."""
    bare = name.casefold()
    if not name.isupper() and (written := NAMES.get(name) or _prefixed(name)):  # mM is no mm, and Mg no mg
        return written
    if found := NAMES.get(name) or (len(bare) > 1 and (NAMES.get(bare.removesuffix("s")) or NAMES.get(bare))):
        return found
    if symbol := PREFIXABLE.get(name) or _prefixed(name):
        return symbol
    singular = bare.removesuffix("s") if bare not in SPELLED else bare
    for word, size in SPELLED_PREFIXES.items():
        if singular.startswith(word) and (spelled := SPELLED.get(singular.removeprefix(word))):
            return PREFIXABLE[spelled][0], PREFIXABLE[spelled][1] * size
    return None


def _prefixed(name: str) -> tuple[dict[str, int], Fraction] | None:
    """The unit that a symbol with its prefix is, in the case in which it is written: mW and MW."""
    for prefix, size in PREFIXES.items():
        if name.startswith(prefix) and (symbol := PREFIXABLE.get(name[len(prefix) :])):
            return symbol[0], symbol[1] * size
    return None


def of_other_case(gold: str, answer: str) -> bool:
    """Whether both are the same but for the case of a unit, which makes it another one: 5 mM and 5 mm."""
    if gold == answer or gold.casefold() != answer.casefold():
        return False
    pairs = zip(_NAMES.findall(gold), _NAMES.findall(answer), strict=True)
    return any(
        one != two and len(one) > 1 and known(one) and known(two) and unit(one) != unit(two) for one, two in pairs
    )


def known(text: str) -> bool:
    return bool(unit(text).kind)


# Prefixed symbols that are units wherever they stand; mT, MN and TV may be products of letters.
BARE = frozenset(
    [
        "kJ",
        "MJ",
        "kW",
        "MW",
        "kN",
        "kPa",
        "MPa",
        "kHz",
        "MHz",
        "GHz",
        "mL",
        "mA",
        "mV",
        "kV",
        "eV",
        "keV",
        "MeV",
        "Hz",
        "Pa",
        "GB",
        "MB",
        "kB",
        "mW",
        "dB",
        "mol",
        "mmol",
        "atm",
        "rpm",
        "psi",
    ]
)


def usual(word: str) -> bool:
    """Whether letters in a formula are a unit even without a text command: cm, kJ; but nm and ms may be products."""
    bare = word.casefold()
    named = bool(NAMES.get(word) or NAMES.get(bare.removesuffix("s")) or NAMES.get(bare))
    return named or word in BARE


def _other_rate(gold: str, answer: str) -> bool:
    """72 beats per minute against 72 beats per second: what is counted may go unnamed, not the time."""
    under = [unit(text.replace(" per ", "/").replace("per ", "/").rpartition("/")[2]) for text in (gold, answer)]
    rates = all("/" in text or "per " in text for text in (gold, answer))
    return rates and all(one.kind for one in under) and under[0] != under[1]


def stands_for(letter: str, other: str) -> bool:
    """Whether a bare letter behind a number is a unit, because the other side has one of its kind: 0.5 M beside 0.5 mol/L."""
    if letter not in PREFIXABLE and letter not in _ALSO:
        return False
    kind = unit(other).kind
    return bool(kind) and kind == unit(_as_beside(letter, other)).kind


def _as_beside(name: str, other: str) -> str:
    """C as celsius beside a temperature in celsius."""
    also = _ALSO.get(name.strip(" ."))
    return also if also and unit(also).kind == unit(other).kind else name


def factors(gold: str | None, answer: str | None) -> tuple[Fraction, Fraction] | None:
    """Return what to multiply each side with before comparing; None when the units contradict each other."""
    if not gold or not answer:
        return Fraction(1), Fraction(1)
    gold, answer = _as_beside(gold, answer), _as_beside(answer, gold)
    one, two = unit(gold), unit(answer)
    if "$" in (gold, answer) and {one.kind, two.kind} != {"money"} and "money" in one.kind and "money" in two.kind:
        return Fraction(1), Fraction(1)  # $12 for $12 per hour
    if one.kind and two.kind:
        return (one.factor, two.factor) if (one.kind, one.power) == (two.kind, two.power) else None
    if not (one.kind and two.kind) and _other_rate(gold, answer):
        return None
    flat = one if one.power < two.power else two
    contradictory = one.power != two.power and (flat.power > 1 or bool(flat.kind))  # units^2 against units^3, or miles
    return None if contradictory else (Fraction(1), Fraction(1))
