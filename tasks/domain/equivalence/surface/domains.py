"""What an answer ranges over, in words: `all integers n \\ge 3`, `all real numbers x such that x > 2`, `all integers greater than 2`."""

from __future__ import annotations

import re

_OPEN, _CLOSE = r"(?:\\text\w*\s*\{\s*)?", r"\s*\}?\s*"
_SIGN = r"(?:(?P<sign>positive|natural|non-?negative)\s+)?"
_NOUN = r"(?P<noun>integers?|whole numbers?|natural numbers?|naturals|real numbers?|reals?|numbers|values of)"
_RELATION = r"(?:[<>≤≥≠=]|\\(?:[gl]e(?:q|qslant)?|neq?|in|equiv)(?![a-z]))"
_ALL = re.compile(
    rf"^[\s$]*{_OPEN}(?:for\s+)?(?:all|any|every)\s+{_SIGN}{_NOUN}{_CLOSE}(?:\$?(?P<letter>[a-zA-Z])\$?{_CLOSE}{_OPEN}(?:such that|with|satisfying|where|for which){_CLOSE})?"
    rf"\$?(?P<rest>(?P<subject>[a-zA-Z])\s*{_RELATION}.*)$",
    re.IGNORECASE | re.DOTALL,
)
_BOUNDED = re.compile(
    rf"^[\s$]*{_OPEN}(?:all|any|every)\s+{_SIGN}{_NOUN}\s+(?:that are\s+|which are\s+)?(?P<bound>(?:strictly\s+)?(?:greater|larger|less|smaller|more) than(?: or equal to)?|at least|at most){_CLOSE}\$?(?P<value>-?\d+|\\frac\{{-?\d+\}}\{{\d+\}})\$?{_CLOSE}[.$]*$",
    re.IGNORECASE,
)


def ranged(text: str) -> str:
    """The relation, and the set of numbers that its letter is from."""
    if "all" not in text and "any" not in text and "every" not in text and "All" not in text:
        return text
    if match := _ALL.match(text):
        if match["letter"] and match["letter"] != match["subject"]:
            return text
        return match["rest"].rstrip(" $.") + _member(match, match["subject"])
    if match := _BOUNDED.match(text):
        words = match["bound"].casefold()
        least = "least" in words or any(word in words for word in ("greater", "larger", "more"))
        closed = "least" in words or "most" in words or "equal" in words
        sign = (r"\ge" if closed else ">") if least else (r"\le" if closed else "<")
        return f"n {sign} {match['value']}" + _member(match, "n")
    return text


def _member(match: re.Match[str], letter: str) -> str:
    noun, sign = match["noun"].casefold(), (match["sign"] or "").casefold()
    if not noun.startswith(("integer", "whole", "natural")):
        return ""
    positive = sign in ("positive", "natural") or noun.startswith("natural")
    return rf", {letter} \in \mathbb{{Z}}" + ("^+" if positive else "")
