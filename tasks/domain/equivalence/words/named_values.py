"""Values by the words that name them: `length 5, width 3` is `width 3, length 5`, and no `length 3, width 5`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tasks.domain.equivalence.words import units
from tasks.domain.equivalence.words.statements import pieces

Same = Callable[[str, str], bool]

_SEPARATOR = re.compile(
    r"\s*(?:[;\n]|,(?!\d{3})|\\\\|\\q?quad|(?<![A-Za-z])(?:and|or|und|et)(?![A-Za-z]))\s*", re.IGNORECASE
)
_OR, _SHORT_NAME = (
    re.compile(r"(?<![A-Za-z])or(?![A-Za-z])"),
    re.compile(r"(?<![A-Za-z\\])(?!sin|cos|tan|log|max|min|and)(?:[A-Z][a-z]{1,2}|[a-z]{3})(?![A-Za-z])"),
)
_TEXT = re.compile(r"\\(?:text\w*|mathrm|mbox)\s*\{([^{}]*)\}")
_JOINING = frozenset(("and", "or", "both", "either", "only", "exactly"))
# 4122 (minimum), 6049 \text{ (maximum)}
_LABEL = re.compile(r"\(\s*(?:\\text\w*\s*\{\s*)?([A-Za-z]{3,}(?: [A-Za-z]{3,})?)\.?\s*\}?\s*\)")
_EXTREME = re.compile(r"(?<![A-Za-z\\])(max|min)(?![A-Za-z(])\.?", re.IGNORECASE)
_SAME = {
    "average": "mean",
    "breadth": "width",
    "max": "maximum",
    "min": "minimum",
    "largest": "maximum",
    "smallest": "minimum",
}
MAX_PARTS = 12


@dataclass(frozen=True)
class NamedValue:
    """One part of an answer: the words that name it, and its formula."""

    words: frozenset[str]
    value: str


def same_named_values(gold: str, answer: str, same: Same) -> bool | None:
    """Whether each name has the same value on both sides; None unless both name all their parts, by different words."""
    one, two = named_values(gold), named_values(answer)
    if not one or len(one) != len(two):
        return None
    if (_OR.search(gold) is None) != (_OR.search(answer) is None):
        return False
    if len({part.words for part in one}) < len(one):
        return None
    others = [[other for other in two if part.words <= other.words or other.words <= part.words] for part in one]
    if not any(others):
        return None
    if any(len(found) != 1 for found in others):  # Tom 5, Ann 3 and Tom 5, Bob 3
        return False
    return all(
        part.value == other.value or same(part.value, other.value) for part, (other,) in zip(one, others, strict=True)
    )


def extremes(gold: str, answer: str) -> bool:
    """Whether both give a maximum and a minimum, whatever they call them."""
    return all(
        {"maximum", "minimum"} == {word for part in named_values(side) for word in part.words}
        for side in (gold, answer)
    )


@lru_cache(maxsize=4096)
def named_values(text: str) -> tuple[NamedValue, ...]:
    """The parts of an answer, each with words and a value; empty when one has none of either, or there is only one."""
    text = _LABEL.sub(r" \1 ", text) if "(" in text else text
    text = _EXTREME.sub(r" \1imum ", text) if "max" in text or "min" in text else text
    if "begin" in text or "(" in text or "[" in text:
        return ()
    parts = [part for part in _SEPARATOR.split(_opened(text)) if part.strip(" .$")]
    if not 1 < len(parts) <= MAX_PARTS:
        return ()
    found = []
    for part in parts:
        names = frozenset(name.casefold() for name in _SHORT_NAME.findall(part))  # Tom, Ann
        said = pieces(_SHORT_NAME.sub(" ", part))
        words = names | frozenset(
            _SAME.get(word, word) for word in said.words if word not in _JOINING and not units.known(word)
        )
        formulas = [formula.strip(" :=") for formula in said.formulas if formula.strip(" :=")]
        if not words or len(formulas) != 1 or not re.search(r"[\d\\]", formulas[0]):
            return ()
        found.append(NamedValue(words, formulas[0]))
    return tuple(found)


def _opened(text: str) -> str:
    """`5\\text{ cm, width }3` with the words outside of their commands, so that the comma separates."""
    return _TEXT.sub(lambda match: f" {match[1]} ", text).replace("$", " ")
