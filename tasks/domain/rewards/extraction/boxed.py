"""The boxes of a text: `\\boxed{42}`, `\\boxed 5`, and one that never closes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tasks.domain.rewards.extraction.sentences import FORMULA_LENGTH, MAX_ANSWER, is_formula, trimmed
from tasks.domain.rewards.extraction.statement import MAX_STATEMENTS, NO_ANSWER, Statement

_BOX = re.compile(r"\\f?boxed\s*(?=[{\d\\a-zA-Z])")
_UNBRACED, _BRACE = re.compile(r"\\?[a-zA-Z]+|\d[\d.,]*\d|\d"), re.compile(r"\\.|[{}]")
_DENIED = re.compile(
    r"(?:\b(?:[Nn]ot|never|can(?:not|['’]t) be|(?:is|are|was)n['’]t|(?:any|every)thing (?:but|except)|other than|rather than|instead of)"
    r"(?:\s+(?:be|equal(?: to)?))?|\\neq?|≠|\b(?:[Oo]ne|[Aa]|[Aa]nother|[Aa]n?other possible|[Ss]ome|[Ff]irst|[Ii]nitial|[Nn]aive) (?:first |naive |initial |possible )?"
    r"(?:candidate|guess|attempt)(?: answer| value)?\s+(?:is|was|would be|could be|might be))[\s$(\\]*$"
)
_WRONG = r"(?:wrong|incorrect|not (?:correct|right|the (?:right |correct |final )?answer))"
_DENIED_BEHIND = re.compile(
    rf"[\s$).,\\]*(?:(?:which\s+)?\b(?:is|was)\s+{_WRONG}|\({_WRONG}\)|(?:(?:But|Hmm|Wait|No),?\s+)?(?:[Tt]his|[Tt]hat)(?:\s+is|\s+was|['’]s)\s+{_WRONG})\s*(?=[.!,;\n$]|$)"
    r"|[\s$).,;:—–\\-]*(?:(?:[Nn]o|[Ww]ait|[Oo]h|[Hh]mm),?\s+)?(?:[Ss]cratch|[Ss]trike|[Ff]orget|[Ii]gnore) (?:that|this)\b"
    rf"|[\s$),;]*\bbut\s+(?:that|this|it)(?:\s+is|\s+was|['’]s)\s+{_WRONG}\s*(?=[.!,;\n$]|$)"
    r"|[\s$)*]*\?(?!\s*(?:[Yy]es|[Ii]ndeed|[Cc]orrect))"
)
# What surrounds a box, and how what `_DENIED` finds before it ends and what `_DENIED_BEHIND` finds behind it begins.
_MARKS = " \t\n\r\f\v\u00a0\u2009\u202f\u3000$()\\.,;:—–-*"
_ENDS = ("not", "Not", "never", "be", "n't", "n’t", "equal", "to", "but", "except", "than", "of", "\\ne", "\\neq", "≠")
_BEGINS = tuple("wibhntosfWIBHNTOSF?")
LINE = re.compile(r"\s*([^\n]*)")

_FLAT = frozenset("0123456789+-=.,:;/()[] xyzabcnkmt")  # what a box holds most often: no brace and no command


def _is_denied(text: str, box: Statement) -> bool:
    """Whether the words right before a box, or right behind it, say that it is not the answer."""
    before = text[max(0, box.start - 40) : box.start]
    if _may_deny(before) and _DENIED.search(before):
        return True
    behind = text[box.end : box.end + 200].lstrip(_MARKS)
    return behind.startswith(_BEGINS) and _DENIED_BEHIND.match(text, box.end) is not None


def _may_deny(before: str) -> bool:
    """Whether the last word is one that `_DENIED` ends with: most texts have `is` there, and no candidate before it."""
    words = before.rstrip(_MARKS)
    if words.endswith(("is", "was")):
        return "candidate" in words or "guess" in words or "attempt" in words
    return words.endswith(_ENDS)


def boxes_in(text: str) -> list[Statement]:
    """The boxes that close; without any, those that do not."""
    matches = list(_box_starts(text))[-MAX_STATEMENTS:]
    found = [box for match in matches if (box := _content(text, match))]
    if denied := [box for box in found if _is_denied(text, box)]:
        # Where all are denied, the last is read with its denial: nothing else in the text may be taken for it.
        marked = denied[-1]._replace(answer=f"{denied[-1].answer} is wrong")
        found = [box for box in found if box not in denied] or [marked]
    found = found or [box for match in matches if (box := _unclosed(text, match))]
    return [box for box in found if box.answer.isdecimal() or not NO_ANSWER.fullmatch(box.answer)]


def _box_starts(text: str) -> Iterator[re.Match[str]]:
    at = text.find("boxed")
    while at >= 0:
        if match := _BOX.match(text, at - (2 if text.startswith("\\f", at - 2) else 1)):
            yield match
        at = text.find("boxed", at + 1)


def _content(text: str, match: re.Match[str]) -> Statement | None:
    """The box; None when it does not close."""
    at = match.end()
    if text[at] != "{":  # \boxed 5
        bare = _UNBRACED.match(text, at)
        return Statement(match.start(), bare.end(), bare.group(), "box") if bare else None
    end = text.find("}", at, at + MAX_ANSWER)
    if end > 0 and _FLAT.issuperset(inner := text[at + 1 : end]):
        return Statement(match.start(), end + 1, inner.strip(), "box")
    depth = 0
    for brace in _BRACE.finditer(text, at, at + MAX_ANSWER):
        sign = brace.group()
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return Statement(match.start(), brace.end(), text[at + 1 : brace.start()].strip(), "box")
    return None


def _unclosed(text: str, match: re.Match[str]) -> Statement | None:
    """A box that never closes: what stands on the rest of its line, when that is mathematics."""
    if text[match.end()] != "{":
        return None
    line = LINE.match(text, match.end() + 1, match.end() + 2 + FORMULA_LENGTH)
    content = line[1] if line else ""
    content = trimmed(re.split(r"\$|\\\]|\\\)", content)[0])
    content += "}" * max(0, content.count("{") - content.count("}"))
    if not content or not line or not is_formula(content):
        return None
    return Statement(match.start(), line.end(), content, "box")
