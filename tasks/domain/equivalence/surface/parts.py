"""Answers to the parts of a question: `(a) 3, (b) 7` is no `(a) 7, (b) 3`, and no `7, 3`."""

from __future__ import annotations

import itertools
import re

_TEXT = r"(?:\\text\w*\s*\{\s*)?"
_LETTERED = re.compile(
    rf"{_TEXT}(?:\b(?:for\s+)?part\s+)?(?<![\w)\\}}])\((?P<mark>[a-f])\)\s*[:.]?\s*\}}?", re.IGNORECASE
)
_NUMBERED = re.compile(
    rf"{_TEXT}\(?(?<![A-Za-z0-9^_,])(?P<mark>[1-6]|i{{1,3}}|iv|v|[a-f])\)\s*:?\s*\}}?\s*(?=[-\d\\$(a-zA-Z])"
)
_BEHIND = re.compile(
    rf"\s*{_TEXT}\(?(?:for\s+|in\s+)?part\s*\(?(?P<mark>[a-f1-6])\)?\)?\s*\}}?\s*(?:[,;]|\\text\s*\{{\s*and\s*\}}|and\b|$)\s*",
    re.IGNORECASE,
)
_ROWS = ("abcdef", "123456", ("i", "ii", "iii", "iv", "v"))


def by_parts(gold: str, answer: str, hints: str) -> tuple[str, str, str]:
    """Both with their parts in the order of their labels, and the hints, which then ask for this order."""
    if ")" not in gold + answer and "part" not in gold + answer:
        return gold, answer, hints
    ours, theirs = labelled(gold), labelled(answer)
    if not ours and not theirs:
        return gold, answer, hints
    if ours and theirs and set(ours) != set(theirs):
        return gold, answer, hints
    return _joined(gold, ours), _joined(answer, theirs), "o" + hints


def labelled(text: str) -> dict[str, str]:
    """The answer to each part by its label; empty when the text does not label all of it, from the first label on."""
    bare = text.strip(" $")
    for pattern in (_LETTERED, _NUMBERED):
        if found := _before(bare, list(pattern.finditer(bare))):
            return found
    return _behind(bare)


def _before(text: str, marks: list[re.Match[str]]) -> dict[str, str]:
    """(a) 3, (b) 8."""
    names = [mark["mark"].lower() for mark in marks]
    if len(marks) < 2 or text[: marks[0].start()].strip(" $") or not _in_a_row(names):
        return {}
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    parts = [text[mark.end() : end].strip(" ,;.\n") for mark, end in zip(marks, ends, strict=True)]
    if any(not re.search(r"\w", part) or _is_factor(mark, part, text) for mark, part in zip(marks, parts, strict=True)):
        return {}
    return dict(zip(names, parts, strict=True))


def _behind(text: str) -> dict[str, str]:
    """3 for part (a), 8 for part (b)."""
    marks = list(_BEHIND.finditer(text)) if "part" in text.casefold() else []
    names = [mark["mark"].lower() for mark in marks]
    if len(marks) < 2 or marks[-1].end() != len(text) or not _in_a_row(names):
        return {}
    starts = [0, *(mark.end() for mark in marks)]
    parts = [text[start : mark.start()].strip(" ,;.\n") for start, mark in zip(starts, marks, strict=False)]
    return dict(zip(names, parts, strict=True)) if all(parts) else {}


def _in_a_row(names: list[str]) -> bool:
    return any(sorted(names) == sorted(row[: len(names)]) for row in _ROWS)


def _is_factor(mark: re.Match[str], part: str, text: str) -> bool:
    """The (1) of (1)(2)(3) and of (1)5, and the (a) of (a)(b): a bracket that touches what follows is multiplied by it."""
    bracketed = "(" in mark.group()
    touches = mark.group().endswith(")") and not text.startswith("$", mark.end())
    return bracketed and ((part.startswith("(") and touches) or (touches and mark["mark"].isdigit()))


def _joined(text: str, parts: dict[str, str]) -> str:
    return ", ".join(parts[name] for name in sorted(parts, key=_place)) if parts else text


def _place(name: str) -> int:
    return next(itertools.chain.from_iterable([row.index(name)] for row in _ROWS if name in row))
