"""What stands beside a value and is none: where an extremum is attained, how often a root counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tasks.domain.equivalence.words.number_words import NUMBER_WORDS
from tasks.domain.equivalence.words.statements import pieces

Same = Callable[[str, str], bool]
_TEXT = r"(?:\\(?:text\w*|mbox|mathrm)\s*\{\s*)?"
_ATTAINED = re.compile(
    rf"\s*[,;.(]?\s*{_TEXT}[,;(]?\s*(?:(?:which|and|that|where)\s+)?(?:it\s+)?(?:(?:is|are)\s+)?(?:attained|achieved|reached|occurr?ing|occurs|taken(?=\s+(?:at|when))"
    r"|(?:with|where|when)\s+equality|equality\s+(?:holds|occurs|is\s+(?:attained|achieved)))\b.*$",
    re.DOTALL | re.IGNORECASE,
)
# Only beside a word for an extremum: `n^2 when n is even` has a condition.
_EXTREME = re.compile(
    r"\b(?:max(?:imum|imal|ima)|min(?:imum|imal|ima)|(?:max|min)(?=\s*(?:[:=]|is\b|value))|least|greatest|largest|smallest|extrem\w+)\b",
    re.IGNORECASE,
)
_WHEN = re.compile(
    rf"\s*,?\s*{_TEXT},?\s*(?:at|when|for)\b\s*\}}?\s*[$(]*\s*(?:[a-zA-Z](?:_\{{?\w\}}?)?[^=<>]{{0,30}}=|[-\d\\(]).*$",
    re.DOTALL,
)
# More than a place: another value with its own, or a condition.
_MORE = re.compile(
    r"\b(?:otherwise|else|respectively|only|never)\b|\b(?:max|min|greatest|least|largest|smallest)|(?:\band\b|[,;])[\s$a-z]*-?\d[^,;]*?\b(?:when|for|if|at)\b",
    re.IGNORECASE,
)
_COMMANDS = re.compile(r"\\text\w*|[{}]")
_PARITY = re.compile(r"\b(?:even|odd|prime)\b")


def _counted(group: str) -> str:
    return (
        rf"(?:with\s+)?multiplicity\s*(?:of\s+)?\$?(?P<{group}size>\d|two|three|four|five)\$?"
        rf"|(?P<{group}word>twice|thrice|(?:a\s+)?(?:double|triple|repeated)(?:\s+root)?)"
    )


_MULTIPLICITY = re.compile(
    rf"\s*,?\s*{_TEXT}\(\s*{_TEXT}(?:{_counted('a')})\s*\}}?\s*\)(?:\s*\}})?|\s*,\s*{_TEXT}(?:{_counted('b')})\s*\}}?\s*$",
    re.IGNORECASE,
)
_KINDS = {
    "maximum": frozenset(("maximum", "max", "greatest", "largest", "maximal", "highest")),
    "minimum": frozenset(("minimum", "min", "least", "smallest", "minimal", "lowest")),
}
_NAMING = frozenset(("value", "possible", "is", "equals", "it")).union(*_KINDS.values())
_WORTH = {"twice": 2, "double": 2, "repeated": 2, "thrice": 3, "triple": 3}


_SEPARATOR = re.compile(r"[,;]|\\text\s*\{\s*(?:and|or)\s*\}|\b(?:and|or)\b")


@dataclass(frozen=True)
class Told:
    """A text without its asides, the place that it names, and the multiplicities of its roots."""

    value: str
    place: str = ""
    multiplicities: tuple[tuple[str, int], ...] = ()  # a root and how often it counts


def without_asides(gold: str, answer: str, same: Same) -> tuple[str, str] | None:
    """Both without what stands beside their values; None where they contradict each other in it."""
    one, two = told(gold), told(answer)
    if one.place and not two.place:
        two = _placed(two)
    elif two.place and not one.place:
        one = _placed(one)
    if one.multiplicities and two.multiplicities and not _same_multiplicities(one, two, same):
        return None
    if one.place and two.place and not _same_place(one.place, two.place, same):
        return None
    if not (one.place or two.place):
        return one.value, two.value
    ours, theirs = _extremum(one.value), _extremum(two.value)
    return None if ours[0] and theirs[0] and ours[0] != theirs[0] else (ours[1], theirs[1])


def _extremum(text: str) -> tuple[str, str]:
    """`The minimum value is 4` as its kind and 4; other texts as they are, of no kind."""
    said = pieces(text)
    kinds = {kind for word in said.words for kind, names in _KINDS.items() if word in names}
    if len(said.formulas) != 1 or len(kinds) > 1 or any(word not in _NAMING for word in said.words):
        return "", text
    return "".join(kinds), said.formulas[0]


@lru_cache(maxsize=4096)
def told(text: str) -> Told:
    text = " ".join(text.split())
    counted = tuple((_item(text[: match.start()]), _worth(match)) for match in _MULTIPLICITY.finditer(text))
    value = _MULTIPLICITY.sub("", text) if counted else text
    match = _ATTAINED.search(value) or (_WHEN.search(value) if _EXTREME.search(value) else None)
    return _cut(value, match, counted)


def _placed(one: Told) -> Told:
    """`4 at x = 2`, beside an answer that says where its value is attained."""
    return _cut(one.value, _WHEN.search(one.value), one.multiplicities)


def _cut(value: str, match: re.Match[str] | None, counted: tuple[tuple[str, int], ...]) -> Told:
    if (
        match is None
        or _MORE.search(_COMMANDS.sub(" ", match.group()))
        or not re.search(r"[\d\\]", value[: match.start()])
    ):
        return Told(value, "", counted)
    open_text = "}" if value[: match.start()].count("{") > value[: match.start()].count("}") else ""
    place = match.group().removesuffix("}") if open_text else match.group()
    return Told(value[: match.start()] + open_text, place, counted)


def _item(before: str) -> str:
    """The root that a multiplicity stands behind."""
    return _SEPARATOR.split(before)[-1].rpartition("=")[2].strip(" $")


def _same_multiplicities(one: Told, two: Told, same: Same) -> bool:
    """Whether the same roots count more than once, and as often."""
    ours, theirs = ([each for each in side.multiplicities if each[1] > 1] for side in (one, two))
    return len(ours) == len(theirs) and all(
        any(worth == other and (root == item or same(root, item)) for item, other in theirs) for root, worth in ours
    )


def _worth(match: re.Match[str]) -> int:
    size, word = match["asize"] or match["bsize"], match["aword"] or match["bword"]
    if size:
        return int(size) if size.isdigit() else NUMBER_WORDS[size.casefold()]
    return next(worth for name, worth in _WORTH.items() if name in word.casefold())


def _same_place(one: str, two: str, same: Same) -> bool:
    """Whether every formula of the shorter place stands in the other, in any order, and both say even, odd or prime alike."""
    ours, theirs = pieces(one).formulas, pieces(two).formulas
    few, many = sorted((ours, theirs), key=len)
    if set(_PARITY.findall(one)) != set(_PARITY.findall(two)):
        return False
    left = list(many)
    for part in few:
        found = next((at for at, other in enumerate(left) if part == other or same(part, other)), None)
        if found is None:
            return False
        del left[found]
    return True
