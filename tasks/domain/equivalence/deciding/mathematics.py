"""Answers as mathematics, with the other readings of their commas: 3,5 for 3.5, and 1,000 as two numbers."""

from __future__ import annotations

import re

from tasks.domain.equivalence.comparing.compare import Comparison
from tasks.domain.equivalence.deciding.parsed import parsed_equal
from tasks.domain.equivalence.deciding.prose import answers_prose, is_prose
from tasks.domain.equivalence.hints import decoded

_ONE_SET = re.compile(
    r"\b(?:roots|zeros|zeroes|solutions|values|numbers|integers|factors|divisors|primes|answers|elements|points)\b",
    re.I,
)
_GROUPED = re.compile(r"\d,\d{3}|circled|[^\x00-\x7f]")  # what reads differently when commas do not group
_DECIMAL_COMMA = re.compile(r"(-?\d+),(\d+)")


def by_mathematics(gold: str, answer: str, hints: str, worded: bool) -> tuple[bool, str]:
    """Both as they parse; where they differ, with the other readings of their commas, and the figures of a gold in sentences."""
    equal, rule = parsed_equal(gold, answer, hints, True)
    if not equal and (_GROUPED.search(gold) or _GROUPED.search(answer)):
        retry, retry_rule = parsed_equal(gold, answer, hints, False)
        equal, rule = (retry, retry_rule) if retry else (equal, rule)
    if not equal and ("," in gold + answer or "k" in decoded(hints).flags):
        equal, rule = _with_decimal_comma(gold, answer, hints, rule)
    if not worded or not is_prose(gold):
        return equal, rule
    if equal and rule == "set" and not is_prose(answer) and not _ONE_SET.search(gold):
        equal = answers_prose(gold, answer, Comparison(decoded(hints)).same)  # each figure is somebody's own
    if not equal and answers_prose(gold, answer, Comparison(decoded(hints)).same):
        return True, "prose"
    return equal, rule


def _continental(text: str) -> str:
    """3,5 as 3.5, where the question is in a language that writes so. A gold of 0.125 or 3.142 has decimals in any language."""
    text = text.strip(" $")
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text


def _with_decimal_comma(gold: str, answer: str, hints: str, rule: str) -> tuple[bool, str]:
    """0,5 for a gold of 0.5, and the other way round where the whole part is zero."""
    equal = False
    match = _DECIMAL_COMMA.fullmatch(answer.strip())
    ours = _DECIMAL_COMMA.fullmatch(gold.strip())
    if ours and ours[1] in ("0", "-0") and ("." in answer or "/" in answer or "frac" in answer):
        equal, _ = parsed_equal(f"{ours[1]}.{ours[2]}", answer, hints, True)
        rule = "decimal_comma" if equal else rule
    if not equal and "k" in decoded(hints).flags:
        equal, _ = parsed_equal(_continental(gold), _continental(answer), hints, True)
        rule = "decimal_comma" if equal else rule
    if not equal and match and "." in gold:
        equal, _ = parsed_equal(gold, f"{match[1]}.{match[2]}", hints, True)
        rule = "decimal_comma" if equal else rule
    return equal, rule
