"""The units that are known: dimensions and size in metres, grams, seconds, amperes, kelvins, moles, dollars and so on.

Sizes of customary units are those of NIST Special Publication 811, appendix B.
"""

from __future__ import annotations

from fractions import Fraction

Known = tuple[dict[str, int], Fraction]

_TABLE = """
length   m 1 meter 1 metre 1 km 1000 cm 1/100 mm 1/1000
length   in 254/10000 inch 254/10000 inche 254/10000 ft 3048/10000 feet 3048/10000 foot 3048/10000 yd 9144/10000 yard 9144/10000 mi 1609344/1000 mile 1609344/1000
time     s 1 sec 1 second 1 min 60 minute 60 h 3600 hr 3600 hour 3600 day 86400 week 604800
mass     g 1 gram 1 kg 1000 mg 1/1000 lb 45359237/100000 pound 45359237/100000 oz 45359237/1600000 ounce 45359237/1600000
calendar month 1 year 12 yr 12 decade 120 century 1200 centurie 1200 个月 1 年 12
length   米 1 厘米 1/100 毫米 1/1000 分米 1/10 千米 1000 公里 1000
length^2 平方米 1 平方厘米 1/10000 平方分米 1/100 平方千米 1000000 平方公里 1000000 hectare 10000 acre 40468564224/10000000
length^3 立方米 1 立方厘米 1/1000000 立方分米 1/1000 升 1/1000 毫升 1/1000000
time     秒 1 分钟 60 小时 3600 天 86400
mass     克 1 千克 1000 公斤 1000 吨 1000000 tonne 1000000
yuan     元 1 角 1/10
length^3 quart 946352946/1000000000000 qt 946352946/1000000000000 pint 473176473/1000000000000
length^-1.mass.time^-2 bar 100000000 mmhg 13332238741/100000 torr 2026500000/15200 psi 6894757293168/1000000
length.mass.time^-2 dyne 1/100
length^2.mass.time^-2 erg 1/10000
current^-2.length^2.mass.time^-2 mH 1 henry 1000 henrie 1000
length   Å 1/10000000000 angstrom 1/10000000000
money    $ 1 dollar 1 usd 1 cent 1/100 buck 1 ¢ 1/100
euro     € 1 euro 1 eur 1
sterling gbp 1
yen      yen 1 jpy 1
yuan     yuan 1 rmb 1 cny 1
angle    degree 1 deg 1
celsius  celsius 1
fahrenheit fahrenheit 1
length^3 ml 1/1000000 gal 3785411784/1000000000000 gallon 3785411784/1000000000000
length.time^-1 mph 1609344/3600000 kph 1000/3600 kmh 1000/3600
length^-2 mpg 1609344000000000/3785411784
length^2.mass.time^-2 kwh 3600000000 kilowatt-hour 3600000000
"""
# Symbols that take a prefix, with their size in metres, grams, seconds, amperes, kelvins, moles.
_SYMBOLS = """
length m 1  mass g 1  time s 1  current A 1  temperature K 1  amount mol 1  length^3 L 1/1000  length^3 l 1/1000
length.mass.time^-2 N 1000  length^2.mass.time^-2 J 1000  length^2.mass.time^-3 W 1000  length^-1.mass.time^-2 Pa 1000  time^-1 Hz 1
current^-1.length^2.mass.time^-3 V 1000  current^-2.length^2.mass.time^-3 Ω 1000  current^2.length^-2.mass^-1.time^4 F 1/1000
current^-1.mass.time^-2 T 1000  length^2.mass.time^-2 eV 1602176634/10000000000000000000000000  length^2.mass.time^-2 cal 4184
length^-1.mass.time^-2 atm 101325000  current.time C 1  amount.length^-3 M 1000  current^-1.length^2.mass.time^-2 Wb 1000
"""
SPELLED = {
    "meter": "m", "metre": "m", "gram": "g", "second": "s", "ampere": "A", "amp": "A", "kelvin": "K", "mole": "mol", "liter": "L", "litre": "L",
    "newton": "N", "joule": "J", "watt": "W", "pascal": "Pa", "hertz": "Hz", "volt": "V", "ohm": "Ω", "farad": "F", "tesla": "T", "calorie": "cal",
    "coulomb": "C", "weber": "Wb", "molar": "M", "electronvolt": "eV",
}  # fmt: skip
PREFIXES = {
    "k": Fraction(1000), "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12), "c": Fraction(1, 100), "d": Fraction(1, 10),
    "m": Fraction(1, 1000), "µ": Fraction(1, 10**6), "μ": Fraction(1, 10**6), "mu": Fraction(1, 10**6), "n": Fraction(1, 10**9), "p": Fraction(1, 10**12),
}  # fmt: skip
SPELLED_PREFIXES = {
    "": Fraction(1), "kilo": Fraction(1000), "mega": Fraction(10**6), "giga": Fraction(10**9), "centi": Fraction(1, 100), "deci": Fraction(1, 10),
    "milli": Fraction(1, 1000), "micro": Fraction(1, 10**6), "nano": Fraction(1, 10**9), "pico": Fraction(1, 10**12),
}  # fmt: skip


def _dimensions(text: str) -> dict[str, int]:
    """`length.time^-1` as {length: 1, time: -1}."""
    parts = (part.partition("^") for part in text.split("."))
    return {base: int(power or 1) for base, _, power in parts}


def _named(text: str) -> dict[str, Known]:
    rows = (line.split() for line in text.strip().splitlines())
    return {
        name: (_dimensions(row[0]), Fraction(size))
        for row in rows
        for name, size in zip(row[1::2], row[2::2], strict=True)
    }


def _symbols(text: str) -> dict[str, Known]:
    words = text.split()
    return {
        name: (_dimensions(kind), Fraction(size))
        for kind, name, size in zip(words[::3], words[1::3], words[2::3], strict=True)
    }


NAMES = _named(_TABLE)
PREFIXABLE = _symbols(_SYMBOLS)
