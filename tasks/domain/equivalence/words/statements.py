"""Answers of the same words: their formulas decide, one by one; and answers by cases: each value under its condition."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tasks.domain.equivalence.words import units
from tasks.domain.equivalence.words.claims import claims
from tasks.domain.equivalence.words.vocabulary import FUNCTIONS, SHORT_WORDS, WORDS

_WORD = re.compile(r"[A-Za-z]{2,}")
_PIECE = re.compile(
    r"\$\$?(?P<math>[^$]+)\$\$?|\\(?:text\w*|mbox|mathrm|hbox)\s*\{(?P<text>[^{}]*)\}|(?P<command>\\(?:begin|end)\s*\{\w+\*?\}|\\[a-zA-Z]+)|(?P<layout>\\[()\[\]])|(?P<word>[A-Za-z][a-z]+(?:'[a-z])?)"
)
_SILENT = frozenset(
    ["a", "an", "the", "that", "is", "are", "it", "we", "have", "has", "there", "then", "so", "thus", "therefore", "of"]
)
_JOINING = frozenset(("and", "or", "both", "either"))
_SEGMENT = re.compile(r"\s*(?:;|,(?![^(]*\))|\\\\|\n)\s*(?:\\text\{\s*(?:and|but)\s*\})?")
_TEXT_START = re.compile(r"^\\(?:text\w*|mbox)\s*\{")
_CONDITION = re.compile(r"\\(?:text\w*|mbox)\s*\{\s*,?\s*(?:if|when|for)\b|(?<![\\A-Za-z])(?:if|when|for)\b")
MAX_PIECES = 60
Same = Callable[[str, str], bool]


@dataclass(frozen=True)
class Pieces:
    """This record is a text as its words and, between them, its formulas."""

    words: tuple[str, ...]
    formulas: tuple[str, ...]


def same_words(gold: str, answer: str, same: Same) -> bool | None:
    """What the words settle: True or False for sentences of the same words, by their formulas; None when they leave it open."""
    if not (_WORD.search(gold) and _WORD.search(answer)):
        return None
    by_cases = _same_cases(gold, answer, same)
    if by_cases is not None:
        return by_cases
    one, two = pieces(gold), pieces(answer)
    told = [word for word in one.words if word not in _JOINING]
    if told and one.words == two.words and len(one.formulas) == len(two.formulas) <= MAX_PIECES:
        if "begin" in gold and one.formulas != two.formulas:
            return None  # a piece of an environment is no formula
        equal = all(a == b or _same_parts(a, b, same) for a, b in zip(one.formulas, two.formulas, strict=True))
        measured = any(units.known(word) for word in told)
        return equal if equal or not measured else None
    return None


def _same_parts(one: str, two: str, same: Same) -> bool:
    """The parts of a formula in their order: of `for all n, n+2 divides ...` the n and the n+2."""
    ours, theirs = (re.split(r",\s+", side) for side in (one, two))
    if len(ours) == len(theirs) > 1 and len(ours[0]) == 1 and ours[0].isalpha() and not re.search(r"[\[({]", one + two):
        return all(a == b or same(a, b) for a, b in zip(ours, theirs, strict=True))
    return same(one, two)


def _same_cases(gold: str, answer: str, same: Same) -> bool | None:
    """`n if n is even, 2n if n is odd`: values with their conditions, in any order; None when there are no cases."""
    one, two = cases(gold), cases(answer)
    if len(one) < 2 or len(two) < 2:
        return None
    left = list(two)
    for value, condition in one:
        match = next((at for at, other in enumerate(left) if _same_case(value, condition, *other, same)), None)
        if match is None:
            return False
        del left[match]
    return not left


def _same_case(value: str, condition: str, other: str, other_condition: str, same: Same) -> bool:
    if not same(value, other) or claims(condition) != claims(other_condition):
        return False
    one, two = pieces(condition).formulas, pieces(other_condition).formulas
    return len(one) == len(two) and all(a == b or same(a, b) for a, b in zip(one, two, strict=True))


@lru_cache(maxsize=4096)
def cases(text: str) -> tuple[tuple[str, str], ...]:
    """(value, condition) of each part; empty when a part has no condition."""
    if "begin" in text or not _CONDITION.search(text):
        return ()
    found = []
    for part in _SEGMENT.split(text.strip(" .$")):
        condition = _CONDITION.search(part)
        if condition is None or not part[: condition.start()].strip():
            return ()
        value = part[: condition.start()].strip()
        value = value.lstrip("} ") if value.count("}") > value.count("{") else value  # of a \\text that held the comma
        found.append((value, _unwrapped(part[condition.start() :].strip())))
    return tuple(found)


def _unwrapped(condition: str) -> str:
    """Without the text command around it, whose other brace may stand behind the next comma."""
    bare = _TEXT_START.sub("", condition)
    return bare.removesuffix("}") if bare.count("}") > bare.count("{") else bare


@lru_cache(maxsize=4096)
def pieces(text: str) -> Pieces:
    """The words of a text in lower case, without those that say nothing, and what stands between them."""
    marked = "$" in text
    found: list[str] = []
    words: list[str] = []
    _collect(text, marked, words, found)
    formulas = (re.sub(r"\s+", " ", part).strip(" .,;:?!$") for part in "".join(found).split("\0"))
    return Pieces(tuple(words), tuple(part for part in formulas if part and part != "\\"))


def _is_product(word: str) -> bool:
    """bc, xyz: letters side by side rather than a word."""
    return len(word) <= 3 and word.casefold() not in SHORT_WORDS


def _collect(text: str, marked: bool, words: list[str], found: list[str]) -> None:
    """Appends words to `words`, formulas to `found`, with a NUL wherever a word stood."""
    at = 0
    for match in _PIECE.finditer(text):
        between = text[at : match.start()]
        found.append(
            re.sub(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])", "\0", between)
            if marked
            else re.sub(r"(?:^|(?<=\s))[Aa](?=\s)", "\0", between)
        )
        at = match.end()
        if match["math"] is not None:
            found.append("\0" + match["math"] + "\0")
        elif match["text"] is not None:
            found.append("\0")
            _collect(match["text"], False, words, found)
            found.append("\0")
        elif match["layout"]:
            found.append(" ")
        elif match["command"]:
            found.append(match["command"])
        elif match["word"] in FUNCTIONS or match["word"] in WORDS or _is_product(match["word"]):
            found.append(match["word"])
        else:
            word = match["word"].casefold()
            words += [word] if word not in _SILENT else []
            found.append("\0")
    found.append(text[at:])
