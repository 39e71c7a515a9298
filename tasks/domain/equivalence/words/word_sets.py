"""Answers that are nothing but names: `Tom and Jerry` in any order, and figures whose adjectives stand in any order."""

from __future__ import annotations

import re

from tasks.domain.equivalence.words.phrases import COMMANDS, canonical

_JOIN = re.compile(r"\s*(?:[,、;，]|(?<![A-Za-z])and(?![A-Za-z])|&|和|与)\s*")
_OR = re.compile(r"\s*(?:[,、;，]?\s*(?<![A-Za-z])or(?![A-Za-z])|或)\s*")
_NAME = re.compile(r"[^\W\d_][^\d\\$=<>+*/^|(){}\[\]]*")
_FIGURES = frozenset(
    [
        "right",
        "isosceles",
        "equilateral",
        "scalene",
        "acute",
        "obtuse",
        "regular",
        "angled",
        "triangle",
        "pyramid",
        "prism",
        "trapezoid",
        "quadrilateral",
        "polygon",
        "triangular",
        "square",
        "cyclic",
        "convex",
        "tetrahedron",
    ]
)
# The sum is always even: what is said of its subject, in one word.
_SAID = re.compile(
    r"(?:(?:it|they|\w+(?: \w+){0,2}) (?:is|are) )?(?:always )?(even|odd|prime|composite|irrational|rational|positive|negative|convergent|divergent)"
)
MAX_WORDS, MAX_NAMES = 3, 12


def same_names(gold: str, answer: str, sequence: bool) -> bool | None:
    """Whether both name the same things; None where one of them is more than names. What is offered (`or`) is not named."""
    one = _names(gold, _JOIN)
    if one is not None and len(one) > 1:
        if (offered := _names(answer, _OR)) is not None and len(offered) > 1:
            return False
        two = _names(answer, _JOIN)
        if two is not None and sorted(one) == sorted(two):
            return one == two or not sequence
    return True if _same_figure(gold, answer) or _same_property(gold, answer) else None


def _names(text: str, join: re.Pattern[str]) -> list[str] | None:
    """The names that are joined, in one spelling."""
    bare = " ".join(COMMANDS.sub(" ", text).split()).rstrip(". ")
    parts = [part for part in join.split(bare) if part]
    if not 1 <= len(parts) <= MAX_NAMES or any(
        len(part.split()) > MAX_WORDS or not _NAME.fullmatch(part) for part in parts
    ):
        return None
    return [canonical(part) for part in parts]


def _same_figure(gold: str, answer: str) -> bool:
    """An isosceles right triangle is a right isosceles triangle, and right-angled."""
    one, two = (
        sorted(set(canonical(side).replace("-", " ").removeprefix("an ").removeprefix("a ").split()) - {"angled"})
        for side in (gold, answer)
    )
    return len(one) > 2 and one == two and set(one) <= _FIGURES


def _same_property(gold: str, answer: str) -> bool:
    said = [_SAID.fullmatch(canonical(side).removeprefix("the ")) for side in (gold, answer)]
    return bool(said[0] and said[1] and said[0][1] == said[1][1])
