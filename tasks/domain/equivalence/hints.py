"""What a question asks for, as far as it decides between two readings of an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tasks.domain.equivalence.values.evaluation import COUNTING_LETTERS

_ORDER = re.compile(
    r"respectively|in that order|in (?:increasing|decreasing|ascending|descending|alphabetical) order|"
    r"from (?:least|smallest|lowest|greatest|largest|highest) to|in order from|order (?:them|the)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:find|list|give|what|which|enter|express|write|answers?|arrange|order|sort|determine|state|provide|name|compute|"
    r"calculate|how|put|rank|separate|solve|identify|fill)\b",
    re.IGNORECASE,
)
_DATA = re.compile(
    r"\b(?:such that|suppose|whose|for which|that|consists?|forms?|satisf\w+|given|let|if|where|when|with|are in|is in)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n\s*\n")
_FACTOR = re.compile(r"\bfactor(?:ise|ize)?\b(?! of| in)(?! that)|\bfactored form\b|\bfactorization\b", re.IGNORECASE)
_EXPAND = re.compile(r"\bexpand\b|\bmultiply out\b", re.IGNORECASE)
_CLOCK = re.compile(r"o'clock|\b[ap]\.?m\b|what time|at what time|\bclock\b", re.IGNORECASE)
_EXACT = re.compile(
    r"exact (?:value|answer|form)|in terms of|(?:simplest|radical|simplified) (?:radical )?form|common fraction",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"percent|per ?cent|%|\bpct\b|\brate\b|probability|chance|likelihood|proportion|fraction", re.IGNORECASE
)
_DIFFERENCE = re.compile(r"\b(?:more|less|fewer|differ\w*|greater|extra|additional|remain\w*)\b", re.IGNORECASE)
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
_ROUNDED = re.compile(r"\bnearest\b|decimals?\b|decimal places?|\bround\b|\brounded\b|significant", re.IGNORECASE)
# Languages whose numbers have a comma before the decimals: words that such a question has, and no English one (a die is English).
_CONTINENTAL = re.compile(
    r"[а-яё]{3}|\b(?:und|ist|wie|berechne\w*|bestimme\w*|quel(?:le)?s?|combien|calcul(?:er|ez)|cuánt\w*|cuál\w*|calcula|quanto|calcule|jest|hoeveel)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"\b(?:integers?|natural|whole|primes?|divisors?|divisible|sequences?|progression|(?<!in )terms?|counting|digits?)\b|\\mathbb\s*\{?[ZN]",
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
SEPARATOR, OPTIONS = "\x1f", "\x1e"
_OPTION = re.compile(
    r"\\text(?:bf|rm)?\s*\{\s*\(?([A-H])[).]?\s*\}[).]?|(?<![\w\\])\(([A-H])\)|(?:^|(?<=[\s,;]))([A-H])[.):](?=\s*\S)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Hints:
    """flags: o ordered, f factored, x expanded, c clock time, e exact form, m intervals of monotony (whose ends may be
    open or closed), i whole numbers, r rounded, p a percentage, d a difference (how many more), k a decimal comma. `letters` are the symbols of the question;
    None when there is no question to know them from."""

    flags: str = ""
    letters: frozenset[str] | None = None
    bases: frozenset[int] = frozenset()
    parameters: frozenset[str] = frozenset()  # letters that one of the answers says run over all whole numbers
    natural: frozenset[str] = frozenset()  # and over some of them, such as the positive ones
    asked: tuple[str, ...] = ()  # formulas that the question asks for
    options: tuple[str, ...] = ()  # of a multiple choice: each its letter and its text

    @property
    def whole(self) -> frozenset[str]:
        """Letters that run over the whole numbers: declared so, or usual for it and not known to be something else."""
        known = frozenset() if self.letters is None or "i" in self.flags else self.letters
        return self.parameters | self.natural | (COUNTING_LETTERS - known)

    def code(self) -> str:
        """The hints as one string, for messages and keys; `decoded` reads it."""
        letters = "-" if self.letters is None else " ".join(sorted(self.letters))
        return f"{self.flags}|{letters}|{' '.join(map(str, sorted(self.bases)))}|{SEPARATOR.join(self.asked)}{OPTIONS}{SEPARATOR.join(self.options)}"


@lru_cache(maxsize=4096)
def decoded(code: str) -> Hints:
    flags, letters, bases, asked = code.split("|", 3)
    known = None if letters == "-" else frozenset(letters.split())
    asked, _, options = asked.partition(OPTIONS)
    targets, listed = (tuple(part.split(SEPARATOR)) if part else () for part in (asked, options))
    return Hints(flags, known, frozenset(map(int, bases.split())), asked=targets, options=listed)


@lru_cache(maxsize=4096)
def hints_of(question: str) -> Hints:
    """Hints from the text of a question; an empty one gives none."""
    question = question[:MAX_QUESTION]
    if not question.strip(" ?"):
        return Hints()
    patterns = {"f": _FACTOR, "x": _EXPAND, "c": _CLOCK, "e": _EXACT, "m": _MONOTONE, "i": _WHOLE, "r": _ROUNDED}
    patterns |= {"p": _PERCENT, "d": _DIFFERENCE, "k": _CONTINENTAL}
    flags = "".join(flag for flag, pattern in patterns.items() if pattern.search(question))
    flags += "o" if any(map(_wants_order, _SENTENCE.split(question))) else ""
    bases = {_BASE_WORDS.get(word.lower()) or int(word) for pair in _BASE.findall(question) for word in pair if word}
    return Hints(flags, _letters(question), frozenset(bases), asked=_asked(question), options=_options(question))


@lru_cache(maxsize=4096)
def hint_code(question: str) -> str:
    """Return the code of a question's hints; one question is asked for many samples."""
    return hints_of(question).code()


def _options(question: str) -> tuple[str, ...]:
    """The options of a multiple choice, `(A) 10 (B) 12`: at least two letters, from A on."""
    marks = list(_OPTION.finditer(question))
    starts = [at for at, mark in enumerate(marks) if _letter_of(mark) == "A"]
    marks = marks[starts[-1] :] if starts else []
    if len(marks) < 2 or [_letter_of(mark) for mark in marks] != list("ABCDEFGH"[: len(marks)]):
        return ()
    ends = [mark.start() for mark in marks[1:]] + [len(question)]
    found = [question[mark.end() : end].strip(" \n\t,;.$\\") for mark, end in zip(marks, ends, strict=True)]
    return tuple(
        _letter_of(mark) + text.splitlines()[0][:MAX_ASKED] for mark, text in zip(marks, found, strict=True) if text
    )


def _letter_of(mark: re.Match[str]) -> str:
    return next(filter(None, mark.groups()))


def _wants_order(sentence: str) -> bool:
    """Whether the order is that of the answers: `Find x and y, respectively`, not of data that the question is about."""
    for match in _ORDER.finditer(sentence):
        before = sentence[: match.start()]
        asks = list(_ASKS.finditer(before))
        if asks and not _DATA.search(before, asks[-1].end()):
            return True
        if not asks and _ASKS.match(sentence[match.end() :].strip(" ,")):
            return True
    return False


def _asked(question: str) -> tuple[str, ...]:
    """Formulas that the question asks for: `Find $a + b$.`"""
    found = [next(filter(None, match.groups()), "") for match in _ASKED.finditer(question)]
    return tuple(formula for formula in found if "=" not in formula and len(formula) <= MAX_ASKED)[-3:]


def _letters(question: str) -> frozenset[str]:
    """Single letters inside the question's mathematics (all of it, when nothing is marked)."""
    spans = [next(filter(None, groups)) for groups in _MATH.findall(question)] or [question]
    found = [pair for span in spans for pair in _LETTER.findall(span)]
    return frozenset(letter or "\\" + name for letter, name in found)
