"""What a question asks for, as far as it decides between two readings of an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tasks.domain.equivalence.evaluation import COUNTING_LETTERS

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
_WHOLE = re.compile(
    r"\b(?:integers?|natural|whole|primes?|divisors?|divisible|sequences?|progression|terms?|counting|digits?)\b|\\mathbb\s*\{?[ZN]",
    re.IGNORECASE,
)
_MATH = re.compile(r"\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_LETTER = re.compile(r"(?<![a-zA-Z\\])([a-zA-Z])(?![a-zA-Z])|\\([a-zA-Z]{2,8})")
_ASKED = re.compile(
    r"(?:find|what is|what's|compute|evaluate|determine|calculate|value of|express|simplify|solve for|then|is|ratio)\s*:?\s*"
    r"(?:the\s+(?:\w+\s+){0,3}of\s+)?(?:\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\])",
    re.IGNORECASE | re.DOTALL,
)
MAX_QUESTION, MAX_ASKED = 5000, 100
SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Hints:
    """flags: o ordered, f factored, x expanded, c clock time, e exact form, m intervals of monotony (whose ends may be
    open or closed), i whole numbers. `letters` are the symbols of the question;
    None when there is no question to know them from."""

    flags: str = ""
    letters: frozenset[str] | None = None
    bases: frozenset[int] = frozenset()
    parameters: frozenset[str] = frozenset()  # letters that one of the answers says run over the whole numbers
    asked: tuple[str, ...] = ()  # formulas that the question asks for

    @property
    def whole(self) -> frozenset[str]:
        """Letters that run over the whole numbers: declared so, or usual for it and not known to be something else."""
        known = frozenset() if self.letters is None or "i" in self.flags else self.letters
        return self.parameters | (COUNTING_LETTERS - known)

    def code(self) -> str:
        """The hints as one string, for messages and keys; `decoded` reads it."""
        letters = "-" if self.letters is None else " ".join(sorted(self.letters))
        return f"{self.flags}|{letters}|{' '.join(map(str, sorted(self.bases)))}|{SEPARATOR.join(self.asked)}"


@lru_cache(maxsize=4096)
def decoded(code: str) -> Hints:
    flags, letters, bases, asked = code.split("|", 3)
    known = None if letters == "-" else frozenset(letters.split())
    targets = tuple(asked.split(SEPARATOR)) if asked else ()
    return Hints(flags, known, frozenset(map(int, bases.split())), asked=targets)


@lru_cache(maxsize=4096)
def hints_of(question: str) -> Hints:
    """Hints from the text of a question; an empty one gives none."""
    question = question[:MAX_QUESTION]
    if not question.strip(" ?"):
        return Hints()
    patterns = {"o": _ORDER, "f": _FACTOR, "x": _EXPAND, "c": _CLOCK, "e": _EXACT, "m": _MONOTONE, "i": _WHOLE}
    flags = "".join(flag for flag, pattern in patterns.items() if pattern.search(question))
    bases = {_BASE_WORDS.get(word.lower()) or int(word) for pair in _BASE.findall(question) for word in pair if word}
    return Hints(flags, _letters(question), frozenset(bases), asked=_asked(question))


def _asked(question: str) -> tuple[str, ...]:
    """Formulas that the question asks for: `Find $a + b$.`"""
    found = [next(filter(None, match.groups()), "") for match in _ASKED.finditer(question)]
    return tuple(formula for formula in found if "=" not in formula and len(formula) <= MAX_ASKED)[-3:]


def _letters(question: str) -> frozenset[str]:
    """Single letters inside the question's mathematics (all of it, when nothing is marked)."""
    spans = [next(filter(None, groups)) for groups in _MATH.findall(question)] or [question]
    found = [pair for span in spans for pair in _LETTER.findall(span)]
    return frozenset(letter or "\\" + name for letter, name in found)
