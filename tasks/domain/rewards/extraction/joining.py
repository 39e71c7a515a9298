"""Statements that are one answer: joined by `and`, `or`, a comma, or offered as alternatives."""

from __future__ import annotations

import re

from tasks.domain.rewards.extraction.statement import Statement

_JOIN = re.compile(
    r"(?:[\s,;$&/]|\\[()\[\],;:! ]|\\q?quad|\\\\|(?:\\text\s*)?\{?\s*\b(?:and|or)\b\s*\}?)*(?:[a-z](?:_\{?\w\}?)?\s*=\s*)?",
    re.IGNORECASE,
)
_NAME, NAME_LENGTH = re.compile(r"(?<![\w\\])([a-zA-Z](?:_\{?\w\}?)?)\s*=\s*\$?\s*$"), 12
_COUNTED = re.compile(r"[\s$]*[a-z]{3,15}(?: [a-z]{3,15})?,? and[\s$]*")  # \boxed{1} papers and \boxed{2} bins
_OFFERED = re.compile(
    r"\b(?:or|alternatively|otherwise|maybe|perhaps|possibly|either|else|another|also|might|could)\b", re.IGNORECASE
)
# What follows is another answer, not a better one: `but it could be`, `Option 2:`, `alternative answer:`.
_HEDGED = re.compile(
    r"\b(?:could|might|may)(?:\s+(?:also|well|instead))*\s+be\b(?!\s+(?:wrong|incorrect|mistaken|off|an?\b))"
    r"|\b(?:alternative|second|other)(?:\s+(?:answer|guess|possibility|solution)\b|\s*$)|\b(?:option|guess|answer|candidate|possibility|case)\s*#?[2-9]\s*:",
    re.IGNORECASE,
)
_CONDITIONED = re.compile(
    r"[\s.,;:$]*(?:and\s+|while\s+)?(?:if|when)\b(?![^.:\n]*\b(?:instead|correct\w*|(?:re)?check\w*|careful\w*)\b)[^.:\n]*[,:]\s*(?:then\s+)?\$*",
    re.IGNORECASE,
)
_WITHDRAWN = re.compile(r"\b(?:wait|actually|wrong|mistake|error|correct\w*|no)\b", re.IGNORECASE)
_TAKEN_BACK = re.compile(
    r"\b(?:not|but|wait|wrong|actually|correct\w*|instead|so|thus|hence|therefore|then|mistake|error|rather|check|recheck|let|because|since|no)\b",
    re.IGNORECASE,
)


def last_statement(text: str, statements: list[Statement]) -> Statement:
    """The last clear statement, with the alternatives offered beside it."""
    if len(statements) == 1:
        return statements[0]
    given = [one for one in statements if not one.aside] or statements
    for tag in ("box", "tag", "hashes", "phrase"):
        last = next((at for at in reversed(range(len(given))) if given[at].tag == tag), None)
        if last is not None:
            break
    assert last is not None
    later = [at for at in range(last + 1, len(given)) if given[at].clear]
    return as_one(text, given[: (later[-1] if later else last) + 1])


def as_one(text: str, statements: list[Statement]) -> Statement:
    """The last statement as one with those joined to it."""
    first = len(statements) - 1
    while (
        first > 0
        and statements[first].tag != "hashes"
        and not _stated_anew(text, statements[first - 1], statements[first])
        and _joined(text[statements[first - 1].end : statements[first].start])
    ):
        first -= 1
    if first == len(statements) - 1:
        return statements[-1]
    answers = list(dict.fromkeys(_named(text, statements[first:]) or (one.answer for one in statements[first:])))
    return statements[-1]._replace(answer=", ".join(answers))


def _named(text: str, statements: list[Statement]) -> list[str] | None:
    """x = 1, y = 2 for $x = \\boxed{1}$ and $y = \\boxed{2}$, where each has a letter of its own; x_1 and x_2 are two roots."""
    names = [_NAME.search(text, max(0, one.start - NAME_LENGTH), one.start) for one in statements]
    found = [name[1] for name in names if name is not None]
    if len({name[0] for name in found}) < len(statements) or any(
        one.tag != "box" or "=" in one.answer for one in statements
    ):
        return None
    return [f"{name}={one.answer}" for name, one in zip(found, statements, strict=True)]


def _stated_anew(text: str, before: Statement, after: Statement) -> bool:
    """Whether a label on a line of its own follows a box: `Answer: 18` under it is said last, not said beside it."""
    gap = text[before.end : after.start].strip(" .$*")
    return before.tag == "box" and after.tag == "phrase" and "\n" in gap and not gap.strip()


def _joined(gap: str) -> bool:
    """Whether two statements with this between them are one answer."""
    if len(gap) > 80:
        return False
    if _JOIN.fullmatch(gap):
        return True
    if _CONDITIONED.fullmatch(gap) or (_HEDGED.search(gap) and not _WITHDRAWN.search(gap)):
        return True
    return bool(_COUNTED.fullmatch(gap) or _OFFERED.search(gap)) and not _TAKEN_BACK.search(gap)
