"""Answers to the parts of a question: `(a) 3, (b) 7` is no `(a) 7, (b) 3`, and no `7, 3`."""

from __future__ import annotations

import re

_LABEL = re.compile(
    r"(?:\\text\w*\s*\{\s*)?(?:\b(?:for\s+)?part\s+)?(?<![\w)\\}])\(([a-f])\)\s*[:.]?\s*\}?", re.IGNORECASE
)


def by_parts(gold: str, answer: str, hints: str) -> tuple[str, str]:
    """The answer with its parts in the order of the gold's, and the hints, which then ask for this order."""
    if "(b)" not in gold:
        return answer, hints
    marks, others = list(_LABEL.finditer(gold)), list(_LABEL.finditer(answer))
    names, found = [mark[1] for mark in marks], [mark[1] for mark in others]
    if names != list("abcdef"[: len(names)]) or len(names) < 2:
        return answer, hints
    if sorted(found) == names != found and others[0].start() == 0:
        ends = [mark.start() for mark in others[1:]] + [len(answer)]
        pieces = {mark[1]: answer[mark.end() : end].strip(" ,;.\n") for mark, end in zip(others, ends, strict=True)}
        answer = ", ".join(f"({name}) {pieces[name]}" for name in names)
    return answer, "o" + hints
