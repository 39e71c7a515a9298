"""Classes of whole numbers in words and in formulas: `all odd integers n`, `n = 2k + 1`; `n is not a power of 2`, `n \\ne 2^k`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tasks.domain.equivalence.nodes import Node, symbols
from tasks.domain.equivalence.parsing.parser import parse
from tasks.domain.equivalence.parsing.tokens import Unreadable
from tasks.domain.equivalence.sets.congruences import residues
from tasks.domain.equivalence.words.claims import words_of
from tasks.domain.equivalence.words.number_words import NUMBER_WORDS
from tasks.domain.equivalence.words.wording import has_words

MAX_CLASS = 120  # characters
_MARK = re.compile(r"odd|even|multiple|divisible|power|square|cube|prime|composite", re.IGNORECASE)
_SIGN = r"(?:(?:positive|negative|natural|non-?negative|non-?zero|whole)\s+)"
_NOUN = r"(?:(?:integers?|numbers?|naturals?|values?)\b\s*)"
_NUMBER = r"(?:\d{1,6}|two|three|four|five|six|seven|eight|nine|ten)"


def _class(group: str) -> str:
    """The words that name a class, with names of groups that begin with this letter."""
    named = (
        ("parity", "odd|even"), ("of", _NUMBER), ("base", _NUMBER), ("square", r"(?:perfect\s+)?squares?"), ("cube", r"(?:perfect\s+)?cubes?"),
        ("prime", "primes?"), ("composite", "composites?"),
    )  # fmt: skip
    before = {"of": r"(?:multiples?\s+of|divisible\s+by)\s+", "base": r"powers?\s+of\s+"}
    return "|".join(rf"{before.get(name, '')}(?P<{group}{name}>{words})" for name, words in named)


_WORDED = re.compile(
    rf"(?:for\s+)?(?P<quantity>(?:(?:all|any|every|each|the|those|only|precisely|exactly)\s+)*)(?:(?:possible\s+)?values\s+of\s+)?"
    rf"(?P<sign>{_SIGN}?)(?:(?:{_class('a')})\b\s*)?(?P<sign2>{_SIGN}?)(?P<noun>{_NOUN}?)(?P<letter>(?:[a-z]\b(?!\s*[=<>])\s*|it\s+(?=is\b))?)"
    rf"(?P<verb>(?:(?:that|which|such\s+that\s+(?:n|it))\s+)?(?:(?:is|are|must\s+be|has\s+to\s+be|should\s+be)\s+)?)(?P<denied>(?:not\s+)?)"
    rf"(?:an?\s+)?(?P<sign3>{_SIGN}?)(?:(?:{_class('b')})\b\s*)?(?P<noun2>{_NOUN}?)",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\s*[,;(]?\s*(?:\\quad|\\text\w*\s*\{[^{}]*\}|\b(?:where|with|for|any|all|some)\b|\s)*[a-zA-Z]\s*(?:(?:\\in(?![a-z])|∈)\s*(?:\\mathbb\s*\{?\s*)?[ZNℤℕ]\}?(?:\s*[_^]\s*\{?[+*0\\a-z{}]*)?|(?:\\geq?(?![a-z])|\\geqslant|≥)\s*[01]|>\s*0|(?:\\text\w*\s*\{\s*)?is an? (?:(?:positive|natural|non-?negative|any|arbitrary) )?(?:integer|whole number|natural number|number)\s*\}?)[\s.)]*$"
)
_POWER = re.compile(
    r"(?:(?P<letter>[a-zA-Z])\s*(?P<sign>=|\\neq?(?![a-z])|≠)\s*)?(?P<base>\d{1,6})\s*\^\s*\{?\s*[a-zA-Z]\s*\}?"
)
_ROOTED = re.compile(
    r"(?P<letter>[a-zA-Z])\s*(?P<sign>=|\\neq?(?![a-z])|≠)\s*[a-zA-Z]\s*\^\s*\{?\s*(?P<power>[23])\s*\}?"
)
_DIVIDES = re.compile(
    r"(?P<of>\d{1,6})\s*(?P<sign>\\mid(?![a-z])|\\nmid(?![a-z])|\\not\s*\\mid|\||∣|∤)\s*(?P<letter>[a-zA-Z])"
)
_SIGNS = {"natural": "positive", "non-negative": "nonnegative", "non-zero": "nonzero", "whole": ""}
_PARITY = {"odd": 1, "even": 0}


@dataclass(frozen=True)
class NumberClass:
    """The whole numbers of one kind: with these remainders modulo `size`, or the powers, squares, cubes, primes (or all but them)."""

    kind: str
    size: int = 0
    remainders: frozenset[int] = frozenset()
    denied: bool = False
    letter: str = ""
    sign: str = ""
    told: bool = True  # by more than an adjective: `odd` alone may be said of a function


def same_class(gold: str, answer: str) -> bool | None:
    """Whether both are the same class of numbers; None unless both are classes, and one is in words."""
    if max(len(gold), len(answer)) > MAX_CLASS or not (_MARK.search(gold) or _MARK.search(answer)):
        return None
    one, two = class_in_words(gold), class_in_words(answer)
    if not ((one and one.told) or (two and two.told)):
        return None
    one, two = one or _class_in_signs(gold), two or _class_in_signs(answer)
    if one is None or two is None or (one.letter and two.letter and one.letter != two.letter):
        return None
    if one.sign and two.sign and one.sign != two.sign:
        return False
    return (one.kind, one.size, one.remainders, one.denied) == (two.kind, two.size, two.remainders, two.denied)


@lru_cache(maxsize=4096)
def class_in_words(text: str) -> NumberClass | None:
    """The class that words name: `n is odd`, `all multiples of 3`, `powers of two`; None for anything else."""
    if not _MARK.search(text):
        return None
    match = _WORDED.fullmatch(" ".join(words_of(text).replace("$", " ").replace("\\", " ").split()).strip(" .,"))
    if match is None:
        return None
    found = [
        (name[1:], value)
        for name, value in match.groupdict().items()
        if value and name[0] in "ab" and name[1:] in _KINDS
    ]
    if len(found) != 1:
        return None
    (kind, value) = found[0]
    signs = {_SIGNS.get(sign, sign) for key in ("sign", "sign2", "sign3") if (sign := match[key].strip().casefold())}
    told = kind not in ("parity", "prime", "composite") or bool(
        match["letter"] or match["quantity"] or match["noun"] or match["noun2"]
    )
    denied = bool(match["denied"])
    letter, sign = match["letter"].strip(), next(iter(signs - {""}), "")
    letter = "" if letter.casefold() == "it" else letter
    if kind in ("parity", "of"):
        size = 2 if kind == "parity" else _value(value)
        inside = {_PARITY[value.casefold()] if kind == "parity" else 0}
        held = frozenset(set(range(size)) - inside if denied else inside)
        return NumberClass("residues", size, held, letter=letter, sign=sign, told=told) if size else None
    size = _value(value) if kind == "base" else 0
    return NumberClass(kind, size, denied=denied, letter=letter, sign=sign, told=told)


_KINDS = ("parity", "of", "base", "square", "cube", "prime", "composite")


def _value(text: str) -> int:
    return int(text) if text.isdigit() else NUMBER_WORDS[text.casefold()]


def _class_in_signs(text: str) -> NumberClass | None:
    """The class that a formula names: n = 2k + 1, 3 | n, n = 2^k, n = k^2."""
    bare = _CONDITION.sub("", text.replace("$", " ").strip(" ."))
    bare = re.sub(r"^\s*(?:\\text\w*\s*\{\s*(?:all|any|for all)\s*\}|(?:for )?all\b)\s*", "", bare, flags=re.IGNORECASE)
    if match := _POWER.fullmatch(bare.strip()):
        return NumberClass(
            "base", int(match["base"]), denied=match["sign"] not in (None, "="), letter=match["letter"] or ""
        )
    if match := _ROOTED.fullmatch(bare.strip()):
        kind = "square" if match["power"] == "2" else "cube"
        return NumberClass(kind, denied=match["sign"] != "=", letter=match["letter"])
    if match := _DIVIDES.fullmatch(bare.strip()):
        size, denied = int(match["of"]), match["sign"] not in (r"\mid", "|", "∣")
        held = frozenset(set(range(size)) - {0} if denied else {0})
        return NumberClass("residues", size, held, letter=match["letter"])
    return None if has_words(bare) else _residues(bare)


def _residues(text: str) -> NumberClass | None:
    try:
        node = parse(text)
    except Unreadable:
        return None
    found = residues(node, symbols(node))
    if found is None:
        return None
    subject: Node | None = found.subject
    return NumberClass(
        "residues", found.modulus, found.remainders, letter=subject.value if subject and subject.op == "sym" else ""
    )
