"""Answers in words, in one spelling: no solution, all real numbers, infinitely many, yes and no."""

from __future__ import annotations

import re
from functools import lru_cache

from tasks.domain.equivalence.unicode import plain

COMMANDS = re.compile(
    r"\\(?:text\w*|mathrm|mathbf|mathit|mathsf|mbox|hbox|operatorname|emph|left|right|bf|rm|it|quad|qquad|displaystyle)(?![a-zA-Z])|\\[,;:!> ]|[${}~]"
)
_ARTICLES = re.compile(r"\b(?:[Tt]he|an?|An)\b(?=\s+\w{2})")
_PUNCTUATION = re.compile(r"['\"’]s\b|[.,;:!?\"'()\[\]*]")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SAME = {
    "no solution": "none", "no solutions": "none", "no real solution": "none", "no real solutions": "none", "empty set": "none",
    "there is no solution": "none", "there are no solutions": "none", "does not exist": "none", "dne": "none", "none": "none",
    "all real numbers": "reals", "all reals": "reals", "real numbers": "reals", "any real number": "reals", "reals": "reals",
    "every real number": "reals", "all integers": "integers", "any integer": "integers", "integers": "integers",
    "infinitely many": "infinite", "infinitely many solutions": "infinite", "infinite": "infinite",
    "infinity": "infinite", "infinite solutions": "infinite", "infinitely": "infinite", "undefined": "undefined",
    "indeterminate": "undefined", "true": "true", "false": "false", "correct": "true", "incorrect": "false",
    "yes": "true", "no": "false", "it is possible": "possible", "it is impossible": "impossible", "not possible": "impossible",
    "it is not possible": "impossible", "infinite number": "infinite", "infinite number of solutions": "infinite",
    "there are infinitely many": "infinite", "there are infinitely many solutions": "infinite",
    "no root": "none", "no roots": "none", "no real root": "none", "no real roots": "none", "there are no real solutions": "none",
    "there is no real solution": "none", "there are no real roots": "none", "no such number": "none", "no such numbers": "none",
    "不存在": "none", "无解": "none", "无实数解": "none", "没有": "none", "是": "true", "否": "false", "不是": "false", "正确": "true", "错误": "false",
    "对": "true", "错": "false", "不能": "false", "全体实数": "reals", "一切实数": "reals", "任意实数": "reals", "无数": "infinite", "无穷多": "infinite",
}  # fmt: skip
_SAME |= {f"on {day}": day for day in DAYS}
_SAME |= {day[:3]: day for day in DAYS} | {"tues": "tuesday", "thur": "thursday", "thurs": "thursday"}
_SAME |= {f"in {month}": month for month in MONTHS}
_CONVERGES = re.compile(
    r"(?:(?:the|this) (?:\w+ ){0,2}(?:series|sequence|integral) |(?:series|sequence|integral) |it )?(?:is )?(con|di)verge(?:s|nt)"
)
_SAME |= {
    "limit does not exist": "none",
    "it does not exist": "none",
    "limit is infinite": "infinite",
    "limit is infinity": "infinite",
}
_SAME |= {"diverges to infinity": "infinite", "tends to infinity": "infinite", "infinitely many values": "infinite"}
# No such n, there are no such positive integers, no positive integers exist.
_NONE_SUCH = re.compile(
    r"(?:there (?:is|are|exists?) )?no (?:such )?(?:positive |real |integer |natural |prime )*"
    r"(?:integers?|numbers?|solutions?|values?|primes?|functions?|pairs?|triples?|[a-z])(?: of [a-z])?(?: exists?| works?)?"
)
_POSSIBLE = {"true": True, "possible": True, "false": False, "impossible": False, "none": False}
_PHRASES = frozenset(_SAME.values())


@lru_cache(maxsize=8192)
def canonical(text: str) -> str:
    """Return the letters and digits of a worded answer, in one spelling."""
    words = COMMANDS.sub(" ", plain(text)).replace("\\", " ")
    words = _PUNCTUATION.sub(" ", words)
    words = " ".join(_ARTICLES.sub(" ", " ".join(words.split())).split()).casefold()
    if "verge" in words and (said := _CONVERGES.fullmatch(words)):
        return f"{said[1]}verges"
    if words.startswith(("no ", "there ")) and _NONE_SUCH.fullmatch(words):
        return "none"
    return _SAME.get(words, words.removesuffix(" only"))


def same_possibility(gold: str, answer: str) -> bool | None:
    """Yes for `it is possible`, and no for `impossible`, where the question asks whether it is; None for other answers."""
    one, two = _POSSIBLE.get(canonical(gold)), _POSSIBLE.get(canonical(answer))
    return None if one is None or two is None else one == two


def known_phrase(text: str) -> bool:
    """Whether a text is a phrase with one meaning as a whole, such as `no solution`."""
    return canonical(text) in _PHRASES
