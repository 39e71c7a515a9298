"""Numbers in words: seven, two thirds, the twenty-first."""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBER_WORDS = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * (at + 2) for at, word in enumerate(_TENS)
}
NUMBER_WORDS |= {f"{ten}-{_UNITS[unit]}": 10 * (at + 2) + unit for at, ten in enumerate(_TENS) for unit in range(1, 10)}
NUMBER_WORDS |= {
    "a dozen": 12,
    "one dozen": 12,
    "hundred": 100,
    "one hundred": 100,
    "thousand": 1000,
    "one thousand": 1000,
    "one million": 10**6,
}
_ORDINALS = {name: at + 1 for at, name in enumerate(
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"]
)}  # fmt: skip
_ORDINALS |= {name + "th": at + 13 for at, name in enumerate(_UNITS[13:])}
_ORDINALS |= {ten.removesuffix("y") + "ieth": 10 * (at + 2) for at, ten in enumerate(_TENS)}
_PARTS = {name: value for name, value in _ORDINALS.items() if value > 2} | {"half": 2, "quarter": 4}
_FRACTION_WORDS = re.compile(rf"({'|'.join(['an?', *_UNITS[1:]])}) (halves|(?:{'|'.join(_PARTS)})s?)")


def word_number(text: str) -> int | None:
    """Return the value of a number word up to ninety-nine, with its sign."""
    if any(character.isdigit() for character in text):  # 5 hundred
        return None
    words = " ".join(re.sub(r"[^a-z -]", " ", text.casefold()).split())
    bare = words.removeprefix("minus ").removeprefix("negative ")
    value = NUMBER_WORDS.get(bare)
    return -value if value is not None and bare != words else value


def word_fraction(text: str) -> Fraction | None:
    """Return the value of `two thirds`, `one-fifth`, `a half`; None for other texts."""
    words = " ".join(text.casefold().replace("-", " ").split())
    match = _FRACTION_WORDS.fullmatch(words)
    if match is None and words.endswith((" and a half", " and a quarter")):
        whole, _, part = words.partition(" and a ")
        return NUMBER_WORDS[whole] + Fraction(1, _PARTS[part]) if whole in NUMBER_WORDS else None
    if match is None:
        return None
    top = 1 if match[1] in ("a", "an") else NUMBER_WORDS[match[1]]
    return Fraction(top, _PARTS[match[2].removesuffix("s")] if match[2] != "halves" else 2)


def ordinal_number(text: str) -> int | None:
    """Return the value of `third`, `the twenty-first`; None for other texts."""
    words = text.casefold().strip(" .").removeprefix("the ").strip()
    tens, _, last = words.rpartition("-")
    if words == "second" or last not in _ORDINALS:
        return 2 if words in ("second", "the second") else None
    return _ORDINALS[last] + (NUMBER_WORDS[tens] if tens in _TENS else 0) if not tens or tens in _TENS else None
