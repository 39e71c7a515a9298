"""Values that a text names without giving them: `it is not 5`, `the derivative of x^2`, `is it 5?`."""

from __future__ import annotations

import re

from tasks.domain.rewards.extraction.sentences import MATH

LOOKED_AT = 400  # characters from the end
_VALUE = re.compile(rf"{MATH.pattern}|\d+(?:[.,/]\d+)*", re.DOTALL)
_CLAUSE_END = re.compile(
    r"[,;:—–(](?=\s)|[.!?](?=\s|$)|\n|\bit(?:['’]s| is)\b|\b(?:so|thus|hence|therefore|but|then|and|because|since|which)\b",
    re.IGNORECASE,
)
DENIES = re.compile(
    r"\b(?:not|cannot|never|nobody|no one|neither|nor|wrong|incorrect|excluded|contradictions?|impossible|tempting|fails?|rule[ds]? out|false"
    r"|too (?:small|large|big|high|low))\b|n['’]t\b",
    re.IGNORECASE,
)
_ASKED = re.compile(r"[\s$*)]*\?")
_OPERATES = re.compile(
    r"\b(?:derivative|integral|square|cube|root|reciprocal|inverse|negative|opposite|half|double|multiples?|complement|logarithm)\s+of\s+(?:the\s+\w+\s+)?$",
    re.IGNORECASE,
)


def ends_in_denial(text: str) -> bool:
    """Whether the last value of a text stands in a clause that denies it, in a question, or behind what is done to it."""
    end = text.rstrip()[-LOOKED_AT:]
    values = list(_VALUE.finditer(end))
    if not values:
        return False
    if end.rstrip(" *$").endswith("?"):
        return True
    last = values[-1]
    if _ASKED.match(end, last.end()):
        return True
    before = end[: last.start()]
    starts = [mark.end() for mark in _CLAUSE_END.finditer(before)]
    stop = _CLAUSE_END.search(end, last.end())
    clause = before[starts[-1] if starts else 0 :] + " § " + end[last.end() : stop.start() if stop else len(end)]
    return bool(DENIES.search(clause) or _OPERATES.search(before))
