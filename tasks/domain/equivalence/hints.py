"""What a question asks for, as far as it decides between two readings of an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_ORDER = re.compile(
    r"respectively|in that order|in (?:increasing|decreasing|ascending|descending|alphabetical) order|ordered (?:pair|triple|list)|"
    r"from (?:least|smallest|lowest|greatest|largest|highest) to|in order from|order (?:them|the)\b",
    re.IGNORECASE,
)
_FACTOR = re.compile(r"\bfactor(?:ise|ize)?\b(?! of| in)(?! that)|\bfactored form\b|\bfactorization\b", re.IGNORECASE)
_EXPAND = re.compile(r"\bexpand\b|\bmultiply out\b", re.IGNORECASE)
_CLOCK = re.compile(r"o'clock|\b[ap]\.?m\b|what time|at what time|\bclock\b", re.IGNORECASE)
_EXACT = re.compile(
    r"exact (?:value|answer|form)|in terms of|(?:simplest|radical|simplified) (?:radical )?form|common fraction",
    re.IGNORECASE,
)
_MONOTONE = re.compile(
    r"monoton|(?:increasing|decreasing) intervals?|intervals?\b[^.?]{0,60}(?:increas|decreas)",
    re.IGNORECASE,
)
_BASE = re.compile(
    r"\bbase[ -]?\$?(\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|sixteen)\b|_\{?(\d{1,2})\}?\$", re.IGNORECASE
)
_BASE_WORDS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "sixteen": 16,
}
_MATH = re.compile(r"\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_LETTER = re.compile(r"(?<![a-zA-Z\\])([a-zA-Z])(?![a-zA-Z])|\\([a-zA-Z]{2,8})")
MAX_QUESTION = 5000


@dataclass(frozen=True)
class Hints:
    """flags: o ordered, f factored, x expanded, c clock time, e exact form, m intervals of monotony (whose ends may be open or closed). `letters` are the symbols of the question;
    None when there is no question to know them from."""

    flags: str = ""
    letters: frozenset[str] | None = None
    bases: frozenset[int] = frozenset()
    parameters: frozenset[str] = frozenset()  # letters that one of the answers says run over the whole numbers

    def code(self) -> str:
        """The hints as one string, for messages and keys; `decoded` reads it."""
        letters = "-" if self.letters is None else " ".join(sorted(self.letters))
        return f"{self.flags}|{letters}|{' '.join(map(str, sorted(self.bases)))}"


@lru_cache(maxsize=4096)
def decoded(code: str) -> Hints:
    flags, letters, bases = code.split("|")
    known = None if letters == "-" else frozenset(letters.split())
    return Hints(flags, known, frozenset(map(int, bases.split())))


@lru_cache(maxsize=4096)
def hints_of(question: str) -> Hints:
    """Hints from the text of a question; an empty one gives none."""
    question = question[:MAX_QUESTION]
    if not question.strip(" ?"):
        return Hints()
    patterns = {"o": _ORDER, "f": _FACTOR, "x": _EXPAND, "c": _CLOCK, "e": _EXACT, "m": _MONOTONE}
    flags = "".join(flag for flag, pattern in patterns.items() if pattern.search(question))
    bases = {_BASE_WORDS.get(word.lower()) or int(word) for pair in _BASE.findall(question) for word in pair if word}
    return Hints(flags, _letters(question), frozenset(bases))


def _letters(question: str) -> frozenset[str]:
    """Single letters inside the question's mathematics (all of it, when nothing is marked)."""
    spans = [next(filter(None, groups)) for groups in _MATH.findall(question)] or [question]
    found = [pair for span in spans for pair in _LETTER.findall(span)]
    return frozenset(letter or "\\" + name for letter, name in found)
