"""Values that a text names without giving them: `it is not 5`, `the derivative of x^2`, `is it 5?`."""

from __future__ import annotations

import re

from tasks.domain.rewards.extraction.sentences import MATH

LOOKED_AT = 400  # characters from the end
_VALUE = re.compile(rf"{MATH.pattern}|\d+(?:[.,/]\d+)*", re.DOTALL)
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:not|never|cannot|neither|nor|ruled? out|rules out|exclude[ds]?|(?:nobody|no one) (?:would|could|will))\s+|n['’]t\s+"
    r"|\b(?:false|wrong|incorrect|untrue|impossible|tempting)\s+(?=that\b|to\b))"
    r"(?:(?:to\s+)?(?:say|think|believe|claim|agree|true|the case)\s+)?(?:that\s+)?"
    r"(?:(?:it|this|that|x|the\s+(?:\w+\s+)?(?:answer|value|result|solution|total|number))(?:\s+(?:is|was|equals|can be|could be)|['’]s)\s+)?"
    r"(?:(?:be|equals?|equal to|exactly|to|say|the)\s+)*[$*(]*$",
    re.IGNORECASE,
)
_DENIED_BEHIND = re.compile(
    r"[\s$*)]*(?:,?\s*(?:(?:or|but)\s+)?(?:maybe|perhaps|possibly)\s+not\b|"
    r"(?:is|was|would be|must be|can be|should be)\s+(?:wrong|incorrect|excluded|impossible|extraneous|rejected|ruled out|false|(?:\w+ )?too \w+)"
    r"|are\s+(?:impossible|extraneous)"
    r"|(?:cannot|(?:is|was|are|does|do|can|could|will|would|may|must)(?:\s*not|n['’]t))\s+(?:be\s+)?"
    r"(?:work\b|hold|satisfy|count\b|(?:the\s+)?(?:correct|right)|possible|valid|allowed|it\b|(?:the|an?)\s+(?:\w+\s+)?(?:answer|solution|root|value)|fit\b|equal)"
    r"|(?:is|was|are|were)(?:\s*not|n['’]t)\s+(?:the|an?)\b|(?:is|was)\s+(?:only\s+|just\s+|merely\s+)?an?\s+(?:lower|upper)\s+bound"
    r"|fails\b|(?:leads|is|gives)(?:\s+to)?\s+a\s+contradiction"
    r")",
    re.IGNORECASE,
)
_ASKED = re.compile(r"[^.!?\n]*\?")  # behind the value; `5. Can I help you?` asks for something else
# `which means he ate 175/25 = 7 bars?` has computed its value, whatever the mark at its end; `Is 2+3 = 5?` has not.
_COMPUTED = re.compile(
    r"(?:^|[.!?]\s+|\n)(?!\W*(?:(?:so|then|but|and),?\s+)?(?:is|are|does|do|can|could|would|will|what|how|which|why)\b)"
    r"(?:(?![.!?]\s)[^\n])*[\d)]\s*=(?:(?![.!?]\s)[^\n])*$",
    re.IGNORECASE,
)
_OPERATES = re.compile(
    r"\b(?:derivative|integral|square|cube|root|reciprocal|inverse|negative|opposite|half|double|multiples?|complement|logarithm)\s+of\s+(?:the\s+\w+\s+)?$",
    re.IGNORECASE,
)


def ends_in_denial(text: str) -> bool:
    """Whether words that touch the last value of a text deny it, ask for it, or say what is done to it."""
    end = text.rstrip()[-LOOKED_AT:]
    values = list(_VALUE.finditer(end))
    if not values:
        return False
    last = values[-1]
    before = end[: last.start()]
    if _DENIED_BEHIND.match(end, last.end()) or (_ASKED.match(end, last.end()) and not _COMPUTED.search(before)):
        return True
    return bool(_DENIED_BEFORE.search(before) or _OPERATES.search(before))
