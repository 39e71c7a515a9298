"""Answers of several items: parts with their names, numbered statements, formulas beside each other."""

from __future__ import annotations

import itertools
import re

_PART = re.compile(
    r"(?:\\text\w*\s*\{\s*)?(?:\b(?:for|in)\s+)?\bparts?\s*\(?[a-h1-9]\)?\s*[:,]?\s*\}?(?=[\s,;.$\d\\-]|and\b|$)",
    re.IGNORECASE,
)
_SPANS = re.compile(r"(?<![\\$])\$(?!\$)([^$]+?)\$[ \t]*\n?[ \t]*\$(?!\$)(?=[^$]+\$)")
_QUAD = re.compile(
    r"(?<=[^\s,;&{(])\s*+(?:\\q?quad\s*+)++(?=[^\s,;&})])(?!\\(?:text|mathrm|mbox|textbf|right|end|pmod|mod|mbox)|[a-zA-Z]{2}|\(|\$\s*$|\\q?quad|and\b|or\b)"
)
_CIRCLED = re.compile(r"\\textcircled\s*\{\s*(?:\\\w+\s*)?(\d{1,2})\s*\}")
_CIRCLED_ONLY = re.compile(r"\s*[①-⑳](?:[\s,，、;]*[①-⑳])+\s*")
_TEXT_LIST = re.compile(
    r"\s*\\text\w*\s*\{\s*(-?\d[\d.]*(?:/\d+)?(?:\s*,\s*-?\d[\d.]*(?:/\d+)?)*\s*,?\s*(?:and|or)\s+-?\d[\d.]*(?:/\d+)?)\s*\}\s*"
)
_NUMBERED = re.compile(
    r"(?:\\text\w*\s*\{\s*)?\(?(?<![A-Za-z0-9^_])(?P<mark>[1-4]|i{1,3}|iv|[a-d])\)\s*:?\s*\}?\s*(?=[-\d\\$(])"
)


def without_parts(text: str) -> str:
    """Without the names of the question's parts: `5 for part (a) and 6 for part (b)` is `5 and 6`."""
    return _PART.sub(_opened_text, text) if "part" in text.casefold() else text


def numbered(text: str) -> str:
    """(i) 3 (ii) 8, and a) 5 b) 7, as 3, 8: the marks are one, two, and so on, and the first stands in front."""
    marks = list(_NUMBERED.finditer(text)) if ")" in text else []
    names = [mark["mark"] for mark in marks]
    if len(marks) < 2 or text[: marks[0].start()].strip() or "(b)" in text:
        return text
    if not any(names == list(row[: len(names)]) for row in ("1234", "abcd", ("i", "ii", "iii", "iv"))):
        return text
    pieces = [text[a.end() : b.start()] for a, b in itertools.pairwise(marks)] + [text[marks[-1].end() :]]
    if any(_is_factor(mark, piece) or not re.search(r"\w", piece) for mark, piece in zip(marks, pieces, strict=True)):
        return text
    return ", ".join(piece.strip(" ,;.\n") for piece in pieces)


def _is_factor(mark: re.Match[str], behind: str) -> bool:
    """The (1) of (1)(2)(3) and of (1)5: a bracket that touches what follows, or a bracket, is multiplied by it."""
    touches = mark.group().endswith(")") and not behind.startswith("$")
    return "(" in mark.group() and (touches or behind.startswith("("))


def _opened_text(match: re.Match[str]) -> str:
    """A text command that goes on behind the name of the part stays open."""
    return r"\text{ " if match.group().startswith("\\text") and not match.group().endswith("}") else ""


def circled(text: str) -> str:
    """Statements by their numbers, ①③ and \\textcircled{1}\\textcircled{3}, are a set."""
    text = _CIRCLED.sub(lambda match: chr(0x245F + int(match[1])) if 1 <= int(match[1]) <= 20 else match.group(), text)
    if not _CIRCLED_ONLY.fullmatch(text):
        return text
    return r"\{" + ", ".join(str(ord(sign) - 0x245F) for sign in text if "①" <= sign <= "⑳") + r"\}"


def separated(text: str) -> str:
    """Formulas of their own, and items set apart by \\quad, as a list."""
    if "$" in text and text.count("$") >= 4:
        before = None
        while before != text:
            before, text = text, _SPANS.sub(r"$\1$, $", text)
    return _QUAD.sub(", ", text) if "quad" in text and "begin" not in text else text


def listed(text: str) -> str:
    return match[1] if (match := _TEXT_LIST.fullmatch(text)) else text
