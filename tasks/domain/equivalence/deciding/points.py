"""Points with their names: `A(1,2), B(3,4)` beside `(1,2), (3,4)`, or in another order."""

from __future__ import annotations

import re

from tasks.domain.equivalence.hints import decoded

_NAME = r"[A-Z](?:_\{?\w\}?|')?"
_POINT = re.compile(rf"(?:(?P<name>{_NAME})\s*[=:]?\s*)?(?:\\left\s*)?\((?P<at>[^()]*,[^()]*?)(?:\\right\s*)?\)")
_NAMED = re.compile(rf"(?<![A-Za-z\\]){_NAME}\s*[=:]?\s*(?:\\left\s*)?\(")
_BETWEEN = re.compile(r"(?:[\s,;$.]|\\[,; ]|\\text\w*\s*\{\s*and\s*\}|and\b)*")
_COUNT = re.compile(r"[CP]\s*(?:\\left\s*)?\(\s*\d+\s*,\s*\d+\s*(?:\\right\s*)?\)")  # C(10,3), a number of choices
MAX_LENGTH = 300


def by_points(gold: str, answer: str, hints: str) -> tuple[str, str, str]:
    """Both without the names of their points, in the order of the gold, and the hints, which then ask for this order."""
    if not (_NAMED.search(gold) or _NAMED.search(answer)):
        return gold, answer, hints
    if "b" in decoded(hints).flags and (_COUNT.search(gold) or _COUNT.search(answer)):
        return gold, answer, hints
    ours, theirs = points(gold), points(answer)
    if not ours or len(ours) != len(theirs):
        return gold, answer, hints
    names, others = [name for name, _ in ours], [name for name, _ in theirs]
    if any(names) and any(others):
        if set(names) != set(others):
            return gold, answer, hints
        theirs = [(name, dict(theirs)[name]) for name in names]
    elif not _known(names, hints) or not _known(others, hints) or others != sorted(others):
        return gold, answer, hints  # B(3,4), A(1,2) is not (3,4), (1,2)
    return _bare(ours), _bare(theirs), "o" + hints


def points(text: str) -> list[tuple[str, str]]:
    """The name and the coordinates of each point; empty where the text says more, or names some of them, or one twice."""
    found: list[tuple[str, str]] = []
    at, end = 0, len(text)
    if end > MAX_LENGTH:
        return []
    while (gap := _BETWEEN.match(text, at)) and gap.end() < end:
        match = _POINT.match(text, gap.end())
        if match is None:
            return []
        found.append((match["name"] or "", match["at"]))
        at = match.end()
    names = [name for name, _ in found]
    whole = not any(names) or (all(names) and len(set(names)) == len(names))
    return found if whole else []


def _known(names: list[str], hints: str) -> bool:
    """Whether the question has these names; without one they are taken for names of its points."""
    letters = decoded(hints).letters
    return letters is None or all(name[:1] in letters for name in names if name)


def _bare(found: list[tuple[str, str]]) -> str:
    return ", ".join(f"({at})" for _, at in found)
