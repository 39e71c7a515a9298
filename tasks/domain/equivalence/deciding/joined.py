"""`And` on one side and `or` on the other: of inequalities, or of letters of logic."""

from __future__ import annotations

import re

from tasks.domain.equivalence.parsing.parser import parse
from tasks.domain.equivalence.parsing.tokens import Unreadable
from tasks.domain.equivalence.sets.realsets import real_set

_INEQUALITY = re.compile(r"[<>≤≥≠]|\\(?:le|ge|leq|geq|leqslant|geqslant|lt|gt|ne|neq)(?![a-z])")
_AND = re.compile(r"(?<![A-Za-z])and(?![A-Za-z])|\\(?:land|wedge)(?![a-z])|[且∧]")
_OR = re.compile(r"(?<![A-Za-z])or(?![A-Za-z])|\\(?:lor|vee)(?![a-z])|[或∨]")
_AND_SIGN, _OR_SIGN = re.compile(r"\\(?:land|wedge)(?![a-z])|∧"), re.compile(r"\\(?:lor|vee)(?![a-z])|∨")
OPPOSITE = ([(True, False), (False, True)], [(False, True), (True, False)])
_CUP = re.compile(r"\\cup(?![a-z])|∪")
_UNEQUAL = re.compile(r"≠|\\neq?(?![a-z])|\\not\s*=|!=")


def joined_otherwise(gold: str, answer: str) -> bool:
    """Whether `and` stands on one side and `or` (or a union) on the other: of inequalities, or of letters of logic."""
    related = [_INEQUALITY.search(side) is not None for side in (gold, answer)]
    if not any(related):
        signs = [(bool(_AND.search(side)), bool(_OR.search(side))) for side in (gold, answer)]
        signed = any(sign.search(side) for side in (gold, answer) for sign in (_AND_SIGN, _OR_SIGN))
        return signed and signs in OPPOSITE and "=" not in gold + answer
    unequal = any(_UNEQUAL.search(side) for side in (gold, answer))  # a > 0 and a != 1 is a union
    said = [
        (bool(_AND.search(side)), bool(_OR.search(side) or (not unequal and _CUP.search(side))))
        for side in (gold, answer)
    ]
    if said in OPPOSITE:
        return (related[1] and said[1][0]) or (related[0] and said[0][0])
    alone = {(False, False), (False, True)} == set(said) and not unequal
    return alone and _covers_everything(answer if said[1][1] else gold)


def _covers_everything(text: str) -> bool:
    """x >= 1 or x <= 4 is every number, though a list of these two bounds is an interval."""
    try:
        node = parse(text)
    except Unreadable:
        return False
    found = real_set(node) if node.op == "list" and len(node.args) == 2 else None
    return found is not None and found.op == "inter"
