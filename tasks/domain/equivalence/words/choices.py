"""Choices: `(C)`, `C) 5 apples`, `A, B and D`, `I and III`."""

from __future__ import annotations

import re
from functools import lru_cache

from tasks.domain.equivalence.words.phrases import COMMANDS, canonical

_CHOICE = re.compile(r"^[(\[]?([A-Za-z])(?:[)\].:]\s*(\S.*)?)?$", re.DOTALL)
_OPTION_WORD = re.compile(r"^(?:[Oo]ption|[Cc]hoice|[Aa]nswer|[Ll]etter)\s*(?=\(?[A-H]\b|\([a-h]\))")
_BETWEEN_CHOICES, _CHOICES = re.compile(r"\band\b|[\s,;、&()\[\].]+"), re.compile(r"[A-H]+")
_NUMERALS = frozenset(("I", "II", "III", "IV", "V", "VI"))
# Of the letter itself: what stands behind its `.`, `)` or `:` is the text of the option, which may well say `not` or `False`.
_NOT_CHOSEN = re.compile(
    r"\bnot\s+\(?[A-H]\)?\W*$|^\W*[A-H]\)?\s+(?:is|was)\s+(?:wrong|incorrect|false|not(?:\s+(?:correct|right|true|the|it)\b|\W*$))"
    r"|^\W*[A-H]\s+(?:is\s+|was\s+)?(?:wrong|incorrect|not|false)\b|^\W*[A-H]\)?\s+(?:isn|wasn)['’]t\b|^\W*[A-H][.),]*\s+or\b",
    re.IGNORECASE,
)
_OFFERS = re.compile(r"(?<![A-Za-z])or(?![A-Za-z])|或|[A-H]\s*/\s*[A-H]")
MAX_CHOICES = 400  # characters of an answer that names several options


@lru_cache(maxsize=8192)
def choice(text: str) -> str | None:
    """The letter of a multiple-choice answer: `(C)`, `C.`, `C) 5 apples`, `\\text{(C)}`."""
    match = _CHOICE.match(_OPTION_WORD.sub("", " ".join(COMMANDS.sub(" ", text).split())))
    return match[1].upper() if match else None


@lru_cache(maxsize=8192)
def bare_choice(text: str) -> str | None:
    """Like `choice`, for a text that is nothing but the letter (and brackets)."""
    match = _CHOICE.match(_OPTION_WORD.sub("", " ".join(COMMANDS.sub(" ", text).split())))
    return match[1].upper() if match and not match[2] else None


def same_words(gold: str, answer: str) -> bool:
    """Equal as words, or the same choice (a choice may be followed by its content)."""
    one, two = canonical(gold), canonical(answer)
    if one and one == two:
        return True
    return same_choice(gold, answer)


def same_choice(gold: str, answer: str) -> bool:
    """The same letter, when the gold is a choice: A to H, or any letter in brackets."""
    letter = choice(gold)
    if letter is not None and _NOT_CHOSEN.search(" ".join(COMMANDS.sub(" ", answer).split())):
        return False
    if letter is None or not _upper_or_bracketed(gold) or len(choices(answer) or "C") > 1:
        return False
    return letter == (choice(answer) if bare_choice(gold) else bare_choice(answer))


def _upper_or_bracketed(gold: str) -> bool:
    bare = "".join(COMMANDS.sub(" ", gold).split())
    return bare[:1] in "ABCDEFGH" or bare.startswith("(")


@lru_cache(maxsize=8192)
def choices(text: str) -> tuple[str, ...] | None:
    """The letters of an answer that names several options: `ABD`, `A, B and D`, `(A)(B)(D)`; None when it is no such thing."""
    if text[:1].isdigit() or len(text) > MAX_CHOICES:
        return None
    letters = "".join(
        _BETWEEN_CHOICES.sub(" ", COMMANDS.sub(" ", text.replace("\\{", " ").replace("\\}", " "))).split()
    )
    if not 1 <= len(letters) <= 8 or not _CHOICES.fullmatch(letters) or len(set(letters)) != len(letters):
        return None
    return tuple(letters)


@lru_cache(maxsize=8192)
def numerals(text: str) -> tuple[str, ...] | None:
    """The statements of `I and III`, `I, III`; None for other texts, and for what offers one or the other."""
    words = _BETWEEN_CHOICES.sub(" ", COMMANDS.sub(" ", text)).split()
    found = frozenset(words)
    return tuple(words) if 1 < len(words) == len(found) <= len(_NUMERALS) and found <= _NUMERALS else None


def offers(text: str) -> bool:
    """Whether an answer in letters or circled numbers leaves open which: B or C, B/C."""
    return bool(_OFFERS.search(text))
