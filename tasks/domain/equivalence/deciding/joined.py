"""`And` on one side and `or` on the other: of inequalities, or of letters of logic."""

from __future__ import annotations

import re
from itertools import pairwise

from tasks.domain.equivalence.parsing.parser import parse
from tasks.domain.equivalence.parsing.tokens import Unreadable
from tasks.domain.equivalence.sets.realsets import real_set, same_sets

_INEQUALITY = re.compile(r"[<>≤≥≠]|\\(?:le|ge|leq|geq|leqslant|geqslant|lt|gt|ne|neq)(?![a-z])")
_BOUND = re.compile(r"[<>≤≥]|\\(?:le|ge|leq|geq|leqslant|geqslant|lt|gt)(?![a-z])")
_AND = re.compile(r"(?<![A-Za-z])and(?![A-Za-z])|\\(?:land|wedge)(?![a-z])|[且∧]")
_OR = re.compile(r"(?<![A-Za-z])or(?![A-Za-z])|\\(?:lor|vee)(?![a-z])|[或∨]")
_AND_SIGN, _OR_SIGN = re.compile(r"\\(?:land|wedge)(?![a-z])|∧"), re.compile(r"\\(?:lor|vee)(?![a-z])|∨")
OPPOSITE = ([(True, False), (False, True)], [(False, True), (True, False)])
_CUP = re.compile(r"\\cup(?![a-z])|∪")
_PREDICATE = re.compile(r"(?<![A-Za-z])(?:even|odd|prime|divisible|multiple|perfect)(?![A-Za-z])")
_SOLVED = re.compile(r"(?<![A-Za-z\\])([a-zA-Z](?:_\{?\w\}?)?)\s*=")
_CIRCLED = re.compile(r"[①-⑳]|\\textcircled\s*\{\s*\d\s*\}")
_PLUS_MINUS = re.compile(r"[\s$]*(?:[a-z]\s*=\s*)?(?:\\pm|±)[^,]*")
_PAIR = re.compile(r"[\s$]*(?:\\left)?[(\[][^()\[\],]*,[^()\[\],]*[)\]][\s$.]*")
_CONGRUENT = re.compile(r"[\s$]*[a-z]\s*(?:\\equiv(?![a-z])|≡)\s*-?\d+[\s$.]*")
_OUTSIDE = re.compile(r"(?:\\notin(?![a-z])|∉|\\not\s*\\in(?![a-z]))\s*(?:\\mathbb|\\mathbf|[ZNQRℤℕℚℝ])")
_MEMBER = re.compile(r"(?<!\\not)(?:\\in(?![a-z])|∈)")
_EQUIVALENT = re.compile(r"\\equiv(?![a-z])|≡|mod")
_ZERO_PRODUCT = re.compile(r"^[\s$]*([a-z])\s*(?:\\cdot\s*)?([a-z])\s*=\s*0[\s$.]*$")
_UNEQUAL = re.compile(r"≠|\\neq?(?![a-z])|\\not\s*=|!=")


def _joins(text: str) -> bool:
    """Whether a text may have one of the words and signs of this module: most have none, and `in` is faster than the patterns."""
    joined = "or" in text or "and" in text or "vee" in text or "wedge" in text or "cup" in text
    return joined or r"\pm" in text or "circled" in text or not text.isascii()


def alternatives_or_both(gold: str, answer: str) -> bool:
    """x = 1 or y = 2 is not both of them, x = 1 or x = 4 no pair, and (1)(3) in circles not one of the two."""
    if not (_joins(gold) or _joins(answer)):
        return False
    said = [_OR.search(side) is not None for side in (gold, answer)]
    if said[0] != said[1] and any(map(_disjoint, (gold, answer))):
        return True
    if said == [False, True] and len(_CIRCLED.findall(gold)) > 1 and not _CIRCLED.sub("", gold).strip(" ,、"):
        return True
    signs = [(bool(_AND.search(side)), at_or) for side, at_or in zip((gold, answer), said, strict=True)]
    if signs in OPPOSITE and _PREDICATE.search(gold) and _PREDICATE.search(answer):
        return True
    several = [said[at] or bool(_PLUS_MINUS.fullmatch(side)) for at, side in enumerate((gold, answer))]
    pairs = [_PAIR.fullmatch(side) is not None for side in (gold, answer)]
    return (several[0] and pairs[1]) or (said[1] and pairs[0])


def of_zero_product(gold: str, answer: str) -> tuple[str, str]:
    """xy = 0 as x = 0 or y = 0, beside an answer that says `or`."""
    if "0" not in gold or "0" not in answer or not (_OR.search(gold) or _OR.search(answer)):
        return gold, answer
    one, two = (_ZERO_PRODUCT.sub(r"\1=0 \\text{ or } \2=0", side) for side in (gold, answer))
    return one, two


def _disjoint(text: str) -> bool:
    """Whether `or` stands between equations for different letters."""
    sides = [set(_SOLVED.findall(side)) for side in _OR.split(text)]
    return "<" not in text and any(one and two and not one & two for one, two in pairwise(sides))


def of_other_sign(gold: str, answer: str) -> bool:
    """x = 5 with the sign of a congruence and no modulus, against a number; congruent figures against similar ones; k from Z
    and k not from Z."""
    if _OUTSIDE.search(answer) and not _OUTSIDE.search(gold) and _MEMBER.search(gold):
        return True
    if _CONGRUENT.fullmatch(answer) and not _EQUIVALENT.search(gold):
        return True
    signs = [(r"\cong" in side or "≅" in side, r"\sim" in side or "∽" in side) for side in (gold, answer)]
    return signs in OPPOSITE


def joined_otherwise(gold: str, answer: str) -> bool:
    """Whether `and` stands on one side and `or` (or a union) on the other: of inequalities, or of letters of logic."""
    if not (_joins(gold) or _joins(answer)):
        return False
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
    if said in OPPOSITE and unequal and _same_reals(gold, answer):  # k < 2 and k != 0 is k < 0 or 0 < k < 2
        return False
    if said in OPPOSITE:
        return (related[1] and said[1][0]) or (related[0] and said[0][0])
    if unequal and sorted(said) == [(False, False), (False, True)] and not any(map(_CUP.search, (gold, answer))):
        return all(_UNEQUAL.search(side) and _BOUND.search(side) for side in (gold, answer))
    alone = {(False, False), (False, True)} == set(said) and not unequal
    return alone and _covers_everything(answer if said[1][1] else gold)


def _same_reals(gold: str, answer: str) -> bool:
    """Whether a bound with an exception (`and` of an inequality and a point left out) is the union on the other side."""
    worded, other = (gold, answer) if _AND.search(gold) else (answer, gold)
    if not (_UNEQUAL.search(worded) and _BOUND.search(worded)) or _UNEQUAL.search(other):
        return False
    try:
        one, two = real_set(parse(gold)), real_set(parse(answer))
    except Unreadable:
        return False
    return one is not None and two is not None and same_sets(one, two, lambda one, two: one == two)


def _covers_everything(text: str) -> bool:
    """x >= 1 or x <= 4 is every number, though a list of these two bounds is an interval."""
    try:
        node = parse(text)
    except Unreadable:
        return False
    found = real_set(node) if node.op == "list" and len(node.args) == 2 else None
    return found is not None and found.op == "inter"
